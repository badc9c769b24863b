"""Who did what to a run, and when a worker was lost: lines between the steps of its timeline, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runs.models import Run

KINDS = ["person.acted", "run.recovered"]
SHOWN_ELSEWHERE = ("sent a message", "answered", "asked the agent")
"""Messages stand where they are read, answers and asides beside their question."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`by` is empty for what happened by itself."""

    at: datetime
    by: str
    action: str
    note: str


def marks(run: Run, since: datetime | None = None) -> list[Mark]:
    rows = run.events.filter(kind__in=KINDS)
    if since:
        rows = rows.filter(at__gte=since)
    found = [
        Mark(
            row.at, *(str(row.data.get(name, "")) if row.kind == KINDS[0] else "" for name in ("by", "action", "note"))
        )
        for row in rows
    ]
    return [mark for mark in found if not mark.action.startswith(SHOWN_ELSEWHERE)]
