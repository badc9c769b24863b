"""Lists by cursor: a page starts where the last one ended, so new rows neither shift nor repeat anything."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from ninja import Query, Schema

from agentops.core.errors import InvalidInput

T = TypeVar("T")
M = TypeVar("M", bound=Model)

Cursor = Annotated[
    str, Query(max_length=500, description="`next_cursor` of the page before; empty: the first page.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows a page, 1 to 200.")]


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


def page(
    rows: QuerySet[M], cursor: str, limit: int, order: tuple[str, str] = ("-created_at", "-id")
) -> dict[str, Any]:
    """One page of `rows`, as fields of `Page`. `order` names two columns that together are unique and never
    change; both go the same way. Raises InvalidInput for a cursor that no page gave out."""
    first, second = (name.lstrip("-") for name in order)
    beyond = "lt" if order[0].startswith("-") else "gt"
    if cursor:
        a, b = _read(rows.model, cursor, (first, second))
        # The first condition says nothing new; it is the one that PostgreSQL can start its index scan from.
        rows = rows.filter(
            Q(**{f"{first}__{beyond}e": a}),
            Q(**{f"{first}__{beyond}": a}) | Q(**{first: a, f"{second}__{beyond}": b}),
        )
    found = list(rows.order_by(*order)[: limit + 1])
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return {
        "items": found[:limit],
        "next_cursor": _write([getattr(last, first), getattr(last, second)]) if last else None,
    }


def _write(values: list[Any]) -> str:
    # isoformat, because the encoder cuts times to milliseconds and would skip or repeat rows.
    plain = [value.isoformat() if hasattr(value, "isoformat") else value for value in values]
    text = json.dumps(plain, cls=DjangoJSONEncoder, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(model: type[Model], cursor: str, names: tuple[str, str]) -> tuple[Any, Any]:
    try:
        a, b = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not all(isinstance(value, str | int) for value in (a, b)):
            raise TypeError
        first, second = (
            model._meta.get_field(name).to_python(value) for name, value in zip(names, (a, b), strict=True)
        )
    except (ValueError, TypeError, RecursionError, ValidationError) as error:
        raise InvalidInput(
            "This cursor was not given out by this list. Start again without one.", "cursor"
        ) from error
    return first, second
