"""The hot path: one commit of a run is one statement and one round trip, fenced, its events numbered without a gap.

`Change` says what a commit changes; `commit` writes it. The run's row comes first in the statement: when another worker
holds the run, or a person ended it, that row does not match and nothing at all is written. Statuses are compared by
`(…) IS TRUE`, so that the planner finds rows by their keys and not by the partial indexes of the sweep.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentops.core.errors import LeaseLost
from agentops.core.usage import Usage

from .commit_sql import statement
from .ledger import Slice
from .statements import all_rows, first_row

LOST = "Another worker holds this run, or a person stopped it."

START = """
WITH run AS (
    SELECT id FROM runs_run WHERE id = %(run)s::uuid AND fence = %(fence)s::bigint AND (status = 'running') IS TRUE
    FOR UPDATE
), started AS (
    UPDATE runs_toolcall c SET status = 'executing', fence = %(fence)s::bigint, started_at = now()
    FROM run WHERE c.run_id = run.id
        AND ((c.status = 'approved' AND c.dispatch_at <= now())
            OR (c.status = 'executing' AND c.id = ANY(%(stale)s::bigint[])))
    RETURNING c.id, c.position, c.tool, c.arguments, c.effect, c.bound_hash, c.edited_by_name
), numbered AS (
    UPDATE runs_run r SET seq = seq + (SELECT count(*) FROM started) FROM run WHERE r.id = run.id
    RETURNING r.id, r.seq - (SELECT count(*) FROM started) AS before
), said AS (
    SELECT n.id AS run_id, n.before + row_number() OVER (ORDER BY s.position) AS seq, s.id,
        jsonb_build_object('step', %(step)s::int, 'call', s.id, 'tool', s.tool, 'status', 'executing') AS data
    FROM started s, numbered n
), noted AS (
    INSERT INTO runs_event (run_id, seq, kind, data, at) SELECT run_id, seq, 'call.changed', data, now() FROM said
)
SELECT s.id, said.seq, said.data::text, s.arguments::text, s.effect, s.bound_hash, s.edited_by_name
FROM run LEFT JOIN started s ON true LEFT JOIN said ON said.id = s.id ORDER BY said.seq
"""


LOCK = """
SELECT pause_requested, unread, taken_over_by <> '' FROM runs_run
WHERE id = %(run)s::uuid AND fence = %(fence)s::bigint AND (status = 'running') IS TRUE FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Started:
    """What is to run, as its row has it now: a person may have changed it since the worker read it. `event` says so."""

    event: dict[str, Any]
    arguments: dict[str, Any]
    effect: str
    bound_hash: str
    edited_by: str


@dataclass(slots=True)
class Change:
    """One commit of a run. Counters are what is added; `held` is what is reserved from now on (None: as before)."""

    run: str
    fence: int
    events: list[dict[str, Any]] = field(default_factory=list)
    active_ms: int = 0
    steps: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = Decimal(0)
    held: Decimal | None = None
    tainted_by: str = ""
    progress: bool = False
    done: list[dict[str, Any]] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    """Messages of people that the opened step carries."""
    closed: list[dict[str, Any]] = field(default_factory=list)
    kept: int | None = None
    """The open step that stays open, from now on under this fence, with what this commit bills for it."""
    billed: list[dict[str, Any]] = field(default_factory=list)
    proposed: list[dict[str, Any]] = field(default_factory=list)
    ordered: bool = False
    """The first of the run's orders is carried out."""
    left: bool = False
    """The run leaves its worker; `status`, `waiting_on`, `wake_after` (seconds) and the rest say how."""
    final: bool = False
    slice: Slice | None = None
    """The budget slice from now on; None: as before. What was spent of the one before is booked by then."""
    status: str | None = None
    waiting_on: str = ""
    wake_after: float | None = None
    stop_reason: str = ""
    stop_detail: str = ""
    answer: str = ""
    answer_data: Any = None
    outcome: str = ""
    outcome_detail: str = ""

    def event(self, kind: str, **data: Any) -> None:
        self.events.append({"kind": kind, "data": data})


@dataclass(frozen=True, slots=True)
class Written:
    """What the database said: the last event's number, whether a pause is asked for, and the new rows' ids."""

    seq: int
    pause_requested: bool
    due: bool
    """The run left with something decided meanwhile: it wants a worker again at once."""
    step_id: int | None
    call_ids: dict[int, int]
    unread: int
    """Messages of people that no step has read yet."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What others asked of the run meanwhile."""

    pause_requested: bool
    unread: int
    taken_over: bool


def lock(run: str, fence: int) -> Standing:
    """Lock the run's row until the transaction ends. Raises LeaseLost."""
    row = first_row(LOCK, {"run": run, "fence": fence})
    if row is None:
        raise LeaseLost(LOST)
    return Standing(*row)


def commit(change: Change) -> Written:
    """Write it, whole or not at all. Raises LeaseLost when the run is no longer this worker's."""
    row = first_row(*_statement(change))
    if row is None:
        raise LeaseLost(LOST)
    ids = json.loads(row[4]) if row[4] else {}
    return Written(row[0], row[1], row[2], row[3], {int(position): id for position, id in ids.items()}, row[5])


def start(run: str, fence: int, step: int, stale: list[int]) -> dict[int, Started]:
    """approved → executing for the run's calls that are due, anew for `stale` ones, by id, each with its event.

    One statement, like a commit. Raises LeaseLost.
    """
    rows = all_rows(START, {"run": run, "fence": fence, "step": step, "stale": stale})
    if not rows:
        raise LeaseLost(LOST)
    return {
        row[0]: Started(
            {"seq": row[1], "kind": "call.changed", "data": json.loads(row[2])}, json.loads(row[3]), *row[4:]
        )
        for row in rows
        if row[0] is not None
    }


def _statement(change: Change) -> tuple[str, dict[str, Any]]:
    """Of the parts that it has, with their parameters."""
    given: dict[str, Any] = {
        "run": change.run,
        "fence": change.fence,
        "event_count": len(change.events),
        "active_ms": change.active_ms,
        "steps": change.steps,
        "tool_calls": change.tool_calls,
        "input_tokens": change.usage.input_tokens,
        "output_tokens": change.usage.output_tokens,
        "cache_read_tokens": change.usage.cache_read_tokens,
        "cost": change.cost,
        "held": change.held,
        "tainted_by": change.tainted_by,
        "progress": change.progress,
        "ordered": change.ordered,
        "heard": change.heard,
    }
    parts = []
    for name, rows in (
        ("done", change.done),
        ("opened", change.opened),
        ("closed", change.closed),
        ("billed", change.billed),
        ("proposed", change.proposed),
        ("noted", change.events),
    ):
        if rows:
            parts.append(name)
            given[name] = dump(rows)
    if change.heard:
        parts.append("heard")
    if change.kept is not None:
        parts.append("kept")
        given["kept"] = change.kept
    if change.slice is not None:
        given |= {"slice_drawn": change.slice.amount, "slice_accounts": change.slice.accounts}
    if change.left:
        given |= {
            "status": change.status,
            "waiting_on": change.waiting_on,
            "wake_after": change.wake_after,
            "final": change.final,
            "stop_reason": change.stop_reason,
            "stop_detail": change.stop_detail,
            "answer": change.answer,
            "answer_data": None if change.answer_data is None else dump(change.answer_data),
            "outcome": change.outcome,
            "outcome_detail": change.outcome_detail,
        }
    return statement(tuple(parts), left=change.left, new_slice=change.slice is not None), given


dump = json.JSONEncoder(ensure_ascii=False, default=str, separators=(",", ":")).encode
"""As `json.dumps`, which would make an encoder for each of a step's thirty values."""
