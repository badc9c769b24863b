"""Makes any value safe to store and send as JSON, and refuses arguments that are not."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from pydantic_core import to_jsonable_python

from agentops.core.tools import InvalidArguments

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_INTEGER_BITS = 256

# PostgreSQL's jsonb takes neither NUL nor half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Compact JSON, text as it is."""


def check_arguments(arguments: Any) -> None:
    """Raises InvalidArguments unless it is a JSON object of sane depth, size and text."""
    if not isinstance(arguments, dict):
        raise InvalidArguments(f"The arguments must be one JSON object, not {_kind(arguments)}.")
    pending: list[tuple[Any, int]] = [(arguments, 1)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise InvalidArguments(f"The arguments are nested deeper than {MAX_DEPTH} levels; flatten them.")
        if isinstance(value, dict):
            pending.extend((part, depth + 1) for part in value.values())
            pending.extend((key, depth) for key in value)
            if not all(isinstance(key, str) for key in value):
                raise InvalidArguments("The names of fields must be strings.")
        elif isinstance(value, list):
            pending.extend((part, depth + 1) for part in value)
        else:
            _check_scalar(value)
    size = len(dump(arguments).encode())
    if size > MAX_BYTES:
        raise InvalidArguments(f"The arguments are {size:,} bytes of JSON; at most {MAX_BYTES:,} are allowed.")


def json_safe(value: Any) -> Any:
    """Any result as plain JSON values; decimals and dates as strings, unstorable characters as U+FFFD."""
    return _clean(to_jsonable_python(value, bytes_mode="base64", fallback=str))


def fit(value: Any, limit: int) -> tuple[Any, bool]:
    """`value`, or as much of its beginning as gives `limit` bytes of JSON, and whether anything was cut.

    A list keeps its first items, text its first characters; anything else is cut as its JSON text.
    """
    size = _size(value)
    if size <= limit:
        return value, False
    if isinstance(value, list) and value and _size(value[0]) + 2 <= limit:
        kept, used = [], 2
        for item in value:
            used += _size(item) + 1
            if used > limit:
                break
            kept.append(item)
        return kept, True
    text = value if isinstance(value, str) else dump(value)
    while (size := _size(text)) > limit:
        text = text[: max(0, min(len(text) - 1, len(text) * limit // size))]
    return text, True


def _size(value: Any) -> int:
    return len(dump(value).encode())


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    return value


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise InvalidArguments("The arguments hold a NUL or half of a surrogate pair; leave such characters out.")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise InvalidArguments("The arguments hold an integer too large to use.")
    elif not isinstance(value, float):
        raise InvalidArguments(f"The arguments hold {_kind(value)}, which is not JSON.")
    elif not math.isfinite(value):
        raise InvalidArguments("The arguments hold a number that is infinite or not a number.")


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
