"""Pages of a long list by where the last one ended: a constant cost however far one goes, and no count."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    older: str
    """Cursor of the next page; "" when this is the last."""


def newest_first(rows: QuerySet[Row], by: str, cursor: str, size: int) -> Page[Row]:
    """`rows` ordered by the time in column `by`, newest first, from `cursor` on. A broken cursor is the start."""
    after = _decode(cursor, rows.model)
    if after:
        when, pk = after
        rows = rows.filter(**{f"{by}__lte": when}).filter(Q(**{f"{by}__lt": when}) | Q(pk__lt=pk))
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    shown = found[:size]
    return Page(shown, _encode(getattr(shown[-1], by), shown[-1].pk) if len(found) > size else "")


def _encode(when: datetime, pk: Any) -> str:
    return base64.urlsafe_b64encode(f"{when.isoformat()}|{pk}".encode()).decode().rstrip("=")


def _decode(cursor: str, model: type[Model]) -> tuple[datetime, Any] | None:
    try:
        when, _, pk = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        moment = datetime.fromisoformat(when)
        return (moment, model._meta.pk.to_python(pk)) if moment.tzinfo else None
    except (ValueError, OverflowError, ValidationError):
        return None
