"""Pages of long lists, newest first, whatever is asked of them: bounded work, by the search that the pages use."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput

from ..pages import cursor as places
from ..pages.search import newest_matching


def newest(rows: QuerySet[Any], rest: Q, cursor: str, limit: int, few: QuerySet[Any] | None = None) -> dict[str, Any]:
    """As `newest_matching`, as the fields of a `Page`. A page may be short, or empty, and still have a next one: only
    so much of the list is looked through at a time. Raises InvalidInput for a cursor that this list did not give."""
    if cursor and not places.is_known(cursor, rows.model):
        raise InvalidInput(_("This cursor was not given out by this list. Start again without one."), "cursor")
    found = newest_matching(rows, rest, "created_at", cursor, limit, few)
    return {"items": found.rows, "next_cursor": found.older or None}
