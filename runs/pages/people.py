"""Who did what to a run, and when a worker was lost: lines between the steps of its timeline, in two queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runs.models import Event, Run

KINDS = ["person.acted", "run.recovered"]
SHOWN_ELSEWHERE = ("sent a message", "answered", "asked the agent")
"""Messages stand where they are read, answers and asides beside their question."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`by` is empty for what happened by itself; `other` is the run that was made, or that this one came from."""

    at: datetime
    by: str
    action: str
    note: str
    other: Run | None = None


def marks(run: Run, since: datetime | None = None) -> list[Mark]:
    rows = run.events.filter(kind__in=KINDS)
    if since:
        rows = rows.filter(at__gte=since)
    found = [row for row in rows if not str(row.data.get("action", "")).startswith(SHOWN_ELSEWHERE)]
    others = {row.data["run"] for row in found if "run" in row.data}
    runs = Run.objects.filter(team_id=run.team_id).only("status").in_bulk(others) if others else {}
    return [_mark(row, runs) for row in found]


def _mark(row: Event, runs: dict[UUID, Run]) -> Mark:
    if row.kind != KINDS[0]:
        return Mark(row.at, "", "", "")
    by, action, note = (str(row.data.get(name, "")) for name in ("by", "action", "note"))
    return Mark(row.at, by, action, note, runs.get(UUID(row.data["run"])) if "run" in row.data else None)
