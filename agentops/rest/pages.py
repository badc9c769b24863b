"""Lists by cursor: a page starts where the last one ended, so new rows neither shift nor repeat anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from ninja import Query, Schema

from agentops.core.errors import InvalidInput

T = TypeVar("T")
M = TypeVar("M", bound=Model)

Cursor = Annotated[str, Query(max_length=500, description="`next_cursor` of the page before; empty: the first page.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows a page, 1 to 200.")]


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


def page(rows: QuerySet[M], cursor: str, limit: int, order: tuple[str, str] = ("-created_at", "-id")) -> dict[str, Any]:
    """One page of `rows`, as fields of `Page`. `order` names two columns that together are unique and never
    change; both go the same way. Raises InvalidInput for a cursor that no page gave out."""
    names = first, second = (order[0].lstrip("-"), order[1].lstrip("-"))
    beyond = "lt" if order[0].startswith("-") else "gt"
    if cursor:
        a, b = _read(rows.model, names, cursor)
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
        "next_cursor": _write(rows.model, names, last) if last else None,
    }


def page_of(rows: Sequence[T], cursor: str, limit: int, *, of: str, name: Callable[[T], str]) -> dict[str, Any]:
    """One page of what is no table: `rows` by their unique `name`. `of` says which list it is."""
    signer = Signer(salt=f"cursor:{of}")
    after = ""
    if cursor:
        try:
            after = signer.unsign_object(cursor)
        except BadSignature as error:
            raise _foreign() from error
    left = sorted((row for row in rows if name(row) > after), key=name)
    more = len(left) > limit
    return {"items": left[:limit], "next_cursor": signer.sign_object(name(left[limit - 1])) if more else None}


def _foreign() -> InvalidInput:
    return InvalidInput(_("This cursor was not given out by this list. Start again without one."), "cursor")


def _signer(model: type[Model], names: tuple[str, str]) -> Signer:
    """Signed, so that what comes back is what some page of this very list gave out."""
    return Signer(salt=f"cursor:{model._meta.label}:{names}")


def _write(model: type[Model], names: tuple[str, str], last: Model) -> str:
    values = [getattr(last, name) for name in names]
    # isoformat keeps microseconds, which the JSON encoder would cut off, so that rows were skipped or repeated.
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return _signer(model, names).sign_object(plain)


def _read(model: type[Model], names: tuple[str, str], cursor: str) -> list[Any]:
    try:
        values = _signer(model, names).unsign_object(cursor)
    except BadSignature as error:
        raise _foreign() from error
    return [model._meta.get_field(name).to_python(value) for name, value in zip(names, values, strict=True)]
