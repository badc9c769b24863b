"""Pages of a long list by where the last one ended: a constant cost however far one goes, and no count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    older: str
    """Cursor of the next page; "" when this is the last."""


def newest_first(rows: QuerySet[Row], by: str, cursor: str, size: int) -> Page[Row]:
    """`rows` ordered by the time in column `by`, newest first, from `cursor` on. A broken cursor is the start."""
    found = list(after(rows, by, cursor).order_by(f"-{by}", "-pk")[: size + 1])
    shown = found[:size]
    return Page(shown, at(shown[-1], by) if len(found) > size else "")


def after(rows: QuerySet[Row], by: str, cursor: str) -> QuerySet[Row]:
    """The rows that come after the cursor's."""
    place = _decode(cursor, rows.model)
    if place is None:
        return rows
    when, pk = place
    return rows.filter(**{f"{by}__lte": when}).filter(Q(**{f"{by}__lt": when}) | Q(pk__lt=pk))


def at(row: Model, by: str) -> str:
    """The cursor of the rows after this one."""
    return _signer(type(row)).sign_object([getattr(row, by).isoformat(), str(row.pk)])


def is_known(cursor: str, model: type[Model]) -> bool:
    """Whether a list of these rows gave it out."""
    return _decode(cursor, model) is not None


def _signer(model: type[Model]) -> Signer:
    """Signed, so that only times and keys that a page gave out reach the database."""
    return Signer(salt=f"page:{model._meta.label}")


def _decode(cursor: str, model: type[Model]) -> tuple[datetime, Any] | None:
    try:
        when, pk = _signer(model).unsign_object(cursor)
    except BadSignature:
        return None
    return datetime.fromisoformat(when), pk
