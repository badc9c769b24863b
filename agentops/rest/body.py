"""Reads what was sent: JSON that the database can hold, fields that exist, headers that fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from ninja import Header, Schema
from ninja.parser import Parser
from pydantic import ConfigDict, PlainSerializer, WithJsonSchema

from agentops.core.errors import AgentOpsError, InvalidInput

MAX_DEPTH = 40


class Body(Schema):
    """A request's body. A field it does not have is refused by name: a misspelt limit must not be ignored."""

    model_config = ConfigDict(extra="forbid")


IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[\x21-\x7e]*$",
        description="Any text of up to 200 visible ASCII characters. A repeat with the same body gives the "
        "same result and does nothing; with another body it is refused.",
    ),
]

Usd = Annotated[
    Decimal,
    PlainSerializer("{:f}".format, return_type=str),
    WithJsonSchema({"type": "string", "format": "decimal", "examples": ["0.01250000"]}, mode="serialization"),
]
"""Money in USD. Written as a string, so that no client rounds it; read from a string or a number."""


def listed(choices: type[TextChoices]) -> WithJsonSchema:
    """Describes an enumeration where it is used: by name, one app's `Status` would be taken for another's."""
    return WithJsonSchema({"type": "string", "enum": choices.values})


def moment(value: datetime | None, field: str) -> datetime | None:
    """A time from a query: without a zone it is UTC. Raises InvalidInput for one that no calendar has in UTC."""
    if value is None:
        return None
    try:
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(_("This time is beyond the calendar."), field) from error


class MalformedBody(AgentOpsError):
    """The body is not JSON at all."""


class StrictParser(Parser):
    """JSON without NaN, without endless nesting, without text that PostgreSQL cannot store."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request.body)

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, value in data.items():
            check_text(value, name)
        return super().parse_querydict(data, list_fields, request)


def read_json(sent: bytes | str) -> Any:
    """Raises MalformedBody, or InvalidInput for text in it that no row can hold."""
    try:
        body = json.loads(sent, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise MalformedBody(_too_deep()) from error
    except UnicodeDecodeError as error:
        raise MalformedBody(_("The body is not UTF-8.")) from error
    except json.JSONDecodeError as error:
        raise MalformedBody(
            _("The body is not JSON: %(problem)s at line %(line)s, column %(column)s.")
            % {"problem": error.msg, "line": error.lineno, "column": error.colno}
        ) from error
    except ValueError as error:
        # The parser's own limit of digits speaks of Python; the rest is said by `_refuse_constant`.
        why = _("a number in it has too many digits.") if "int_max_str_digits" in str(error) else error
        raise MalformedBody(_("The body is not usable JSON: %(error)s") % {"error": why}) from error
    for path, depth, value in _leaves(body):
        if depth > MAX_DEPTH:
            raise MalformedBody(_too_deep())
        if isinstance(value, str):
            check_text(value, path)
    return body


def check_text(value: str, field: str) -> None:
    """Raises InvalidInput for text that no row can hold."""
    if "\0" in value:
        raise InvalidInput(_("The text contains a NUL character, which cannot be stored. Remove it."), field)
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(_("The text contains half of a surrogate pair, which is no character."), field)


def _leaves(body: Any) -> Iterator[tuple[str, int, Any]]:
    """(dotted path, depth, value) of every key and value, without recursion."""
    waiting: list[tuple[str, int, Any]] = [("", 0, body)]
    while waiting:
        path, depth, value = waiting.pop()
        yield path, depth, value
        if depth > MAX_DEPTH:
            continue
        if isinstance(value, dict):
            for key, item in value.items():
                yield path, depth, key
                waiting.append((f"{path}.{key}" if path else key, depth + 1, item))
        elif isinstance(value, list):
            waiting.extend((f"{path}.{i}", depth + 1, item) for i, item in enumerate(value))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number.")


def _too_deep() -> str:
    return f"The body is nested more than {MAX_DEPTH} levels deep. Flatten it."
