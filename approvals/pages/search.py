"""Search of long lists by words: full text, and never more than a bounded part of the list looked through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.postgres.search import SearchQuery
from django.db.models import Model, Q, QuerySet

from . import cursor
from .cursor import Page

Row = TypeVar("Row", bound=Model)

GLUE = "-_@./:+~&=?<>#'\\\""
"""Signs that PostgreSQL's parser keeps inside a word, or makes other words of: spaces to us, here and in the index."""
APART = str.maketrans(dict.fromkeys(GLUE + "\x00", " "))
MOST_WORDS, LONGEST_WORD = 8, 100

NEAR, FAR = 2_000, 8_000
"""Rows looked through, newest first, and then further: what is common shows in the near ones."""
FEW = 5_000
"""Matches that the index of words is asked for at once."""


def query(words: str) -> SearchQuery | None:
    """All of the words, the last one as the beginning of one. None: there are none."""
    terms = [f"'{word[:LONGEST_WORD]}'" for word in words.translate(APART).split()[:MOST_WORDS]]
    return SearchQuery(f"{' & '.join(terms)}:*", config="simple", search_type="raw") if terms else None


@dataclass(frozen=True, slots=True)
class Found(Page[Row]):
    reached: datetime | None = None
    """How far back was looked when the page is not full and `older` goes on looking; None: to the end."""


def newest_matching(
    rows: QuerySet[Row], rest: Q, by: str, start: str, size: int, few: QuerySet[Any] | None = None
) -> Found[Row]:
    """The newest `size` of `rows` (fast by an index, newest first) that also match `rest` (slow), from cursor `start`.

    `few`: what the index of words has, taken when it is little. At most five queries, each of a bounded part, whatever
    the planner thinks of words and filters.
    """
    rows = cursor.after(rows, by, start).order_by(f"-{by}", "-pk")
    if not rest:
        return _page(list(rows[: size + 1]), by, size)
    found: list[Row] = []
    for window in (NEAR, FAR):
        edge = next(iter(rows.select_related(None).only(by)[window - 1 : window]), None)
        found += (_down_to(rows, by, edge) if edge else rows).filter(rest)[: size + 1 - len(found)]
        if edge is None or len(found) > size:
            return _page(found, by, size)
        rows = cursor.after(rows, by, cursor.at(edge, by))
        if few is not None and window == NEAR and few.values("pk")[: FEW + 1].count() <= FEW:
            found += rows.filter(rest, pk__in=few.values("pk")[:FEW])[: size + 1 - len(found)]
            return _page(found, by, size)
    return Found(found, cursor.at(edge, by), getattr(edge, by))


def _down_to(rows: QuerySet[Row], by: str, edge: Row) -> QuerySet[Row]:
    last = getattr(edge, by)
    return rows.filter(**{f"{by}__gte": last}).filter(Q(**{f"{by}__gt": last}) | Q(pk__gte=edge.pk))


def _page(found: list[Row], by: str, size: int) -> Found[Row]:
    shown = found[:size]
    return Found(shown, cursor.at(shown[-1], by) if len(found) > size else "")
