"""JSON schemas that people and models write: looked through when they are given, applied without surprises.

Whoever writes one may mean harm, or not see it coming: a reference would be fetched from the network, one to itself
never ends, a pattern can take hours. So a schema stands by itself, its patterns are matched in linear time (by CEL's
engine), and its size with every reference written out is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import cel
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from .errors import InvalidInput

LARGEST = 64 * 1024
"""Bytes."""
DEEPEST = 40
MOST_PARTS = 20_000
"""Parts of a schema with every reference written out."""
LONGEST_PATTERN = 500
LARGEST_NUMBER = 2**63
MOST_ERRORS = 5

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REFUSED = {
    "$id": "a schema stands by itself; leave it out",
    "$anchor": 'refer to a part by its place, like "#/$defs/address"',
    "$dynamicAnchor": 'refer to a part by its place, like "#/$defs/address"',
    "$dynamicRef": 'refer to a part by its place with $ref, like "#/$defs/address"',
    "$recursiveRef": 'refer to a part by its place with $ref, like "#/$defs/address"',
}


def check(schema: Any, field: str = "answer_schema") -> dict[str, Any]:
    """The schema itself. Raises InvalidInput with the place of what is wrong with it."""
    if not isinstance(schema, dict):
        raise InvalidInput('A schema is a JSON object, like {"type": "object", "properties": {…}}.', field)
    try:
        size = len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"The schema cannot be read: {error}.", field) from error
    if "\\u0000" in json.dumps(schema):
        raise InvalidInput("The schema contains a character that cannot be stored (NUL).", field)
    if size > LARGEST:
        raise InvalidInput(f"The schema has {size:,} bytes; {LARGEST:,} is the most.", field)
    try:
        _look_through(schema)
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInput(f"{place(error.path)}: {error.message[:300]}", field) from error
    except _Wrong as wrong:
        raise InvalidInput(str(wrong), field) from wrong
    if "type" not in schema:
        raise InvalidInput('The schema must say its "type", like "object".', field)
    return schema


def problem(data: Any, schema: dict[str, Any]) -> str:
    """What is wrong with the data, in words; "" when it fits."""
    try:
        errors = sorted(_validator(schema).iter_errors(data), key=lambda error: list(map(str, error.path)))
    except Exception as error:  # a schema from before it was checked as `check` does now
        return f"its schema cannot be applied ({type(error).__name__})."
    if not errors:
        return ""
    told = [f"{place(error.path)}: {error.message[:300]}" for error in errors[:MOST_ERRORS]]
    more = f" (and {len(errors) - MOST_ERRORS} more)" if len(errors) > MOST_ERRORS else ""
    return f"{'; '.join(told)}{more}."


def place(path: Any) -> str:
    return ".".join(map(str, path)) or "the whole"


class _Wrong(Exception):
    pass


def _look_through(schema: dict[str, Any]) -> None:
    """Every part, each reference followed; a part is counted as often as it would be applied."""
    sizes: dict[int, int] = {}
    under_way: set[int] = set()

    def size_of(part: Any, path: tuple[str, ...]) -> int:
        if isinstance(part, int | float) and abs(part) >= LARGEST_NUMBER:
            raise _Wrong(f"{place(path)}: the number is too large; its size must be below 2^63.")
        if not isinstance(part, dict | list):
            return 1
        if id(part) in under_way:
            raise _Wrong(f"{place(path)}: it refers to itself; write the depth out that you need.")
        if id(part) in sizes:
            return sizes[id(part)]
        if len(under_way) > DEEPEST:
            raise _Wrong(f"{place(path)}: it is nested more than {DEEPEST} deep.")
        under_way.add(id(part))
        size = 1
        for name, below in part.items() if isinstance(part, dict) else enumerate(part):
            size += size_of(below, (*path, str(name)))
        if isinstance(part, dict):
            _check_part(part, path)
            if isinstance(part.get("$ref"), str):
                size += size_of(_target(schema, part["$ref"], path), path)
        if size > MOST_PARTS:
            raise _Wrong(f"{place(path)}: with its references written out it has more than {MOST_PARTS:,} parts.")
        under_way.discard(id(part))
        sizes[id(part)] = size
        return size

    size_of(schema, ())


def _check_part(part: dict[str, Any], path: tuple[str, ...]) -> None:
    for name, remedy in _REFUSED.items():
        if isinstance(part.get(name), str):
            raise _Wrong(f"{place(path)}: {name} cannot be used here: {remedy}.")
    if part.get("$schema", _DRAFT) != _DRAFT and isinstance(part["$schema"], str):
        raise _Wrong(f"{place(path)}: $schema must be {_DRAFT}, or be left out.")
    if isinstance(part.get("patternProperties"), dict) and path[-1:] != ("properties",):
        raise _Wrong(f"{place(path)}: patternProperties cannot be used here; name the properties.")
    if isinstance(part.get("pattern"), str):
        _check_pattern(part["pattern"], path)


def _check_pattern(pattern: str, path: tuple[str, ...]) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise _Wrong(f"{place(path)}: the pattern has more than {LONGEST_PATTERN} characters.")
    try:
        matches(pattern, "")
    except Exception as error:  # the library raises whatever Python exception is nearest to CEL's own
        reason = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
        raise _Wrong(f"{place(path)}: the pattern cannot be used: {reason}") from error


def _target(schema: dict[str, Any], ref: str, path: tuple[str, ...]) -> Any:
    if ref != "#" and not ref.startswith("#/"):
        raise _Wrong(f"{place(path)}: $ref may only point into the schema itself, like #/$defs/address.")
    found: Any = schema
    for key in ref[2:].split("/") if ref != "#" else []:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isascii() and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            raise _Wrong(f"{place(path)}: $ref {ref[:100]} points to nothing.")
    if not isinstance(found, dict | bool):
        raise _Wrong(f"{place(path)}: $ref {ref[:100]} points to no schema.")
    return found


@cache
def _matcher() -> cel.Program:
    return cel.compile("text.matches(pattern)")


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text, in time linear in its length."""
    return bool(_matcher().execute(cel.Context({"text": text, "pattern": pattern})))


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"it does not match the pattern {pattern}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


def _validator(schema: dict[str, Any]) -> Any:
    """It fetches nothing."""
    return _Validator(schema, registry=Registry())
