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

from .ledger import Slice
from .statements import all_rows, first_row

LOST = "Another worker holds this run, or a person stopped it."

COMMIT = """
WITH run AS (
    UPDATE runs_run SET
        seq = seq + %(event_count)s::bigint,
        steps = steps + %(steps)s::bigint,
        tool_calls = tool_calls + %(tool_calls)s::bigint,
        input_tokens = input_tokens + %(input_tokens)s::bigint,
        output_tokens = output_tokens + %(output_tokens)s::bigint,
        cache_read_tokens = cache_read_tokens + %(cache_read_tokens)s::bigint,
        cost_usd = cost_usd + %(cost)s::numeric,
        active_ms = active_ms + %(active_ms)s::bigint,
        held_usd = COALESCE(%(held)s::numeric, held_usd),
        slice_spent = CASE WHEN %(new_slice)s::bool THEN 0 ELSE slice_spent + %(cost)s::numeric END,
        slice_drawn = CASE WHEN %(new_slice)s::bool THEN %(slice_drawn)s::numeric ELSE slice_drawn END,
        slice_accounts = CASE WHEN %(new_slice)s::bool THEN %(slice_accounts)s::bigint[] ELSE slice_accounts END,
        tainted_by = CASE WHEN tainted_by = '' THEN %(tainted_by)s::text ELSE tainted_by END,
        recoveries = CASE WHEN %(progress)s::bool THEN 0 ELSE recoveries END,
        unread = unread - cardinality(%(heard)s::bigint[]),
        orders = CASE WHEN %(ordered)s::bool THEN orders - 0 ELSE orders END,
        status = COALESCE(%(status)s::text, status),
        waiting_on = %(waiting_on)s::text,
        waiting_since = CASE WHEN %(waiting_on)s::text = '' THEN NULL ELSE now() END,
        stop_reason = %(stop_reason)s::text,
        stop_detail = %(stop_detail)s::text,
        answer = %(answer)s::text,
        answer_data = %(answer_data)s::jsonb,
        outcome = %(outcome)s::text,
        outcome_detail = %(outcome_detail)s::text,
        ended_at = CASE WHEN %(final)s::bool THEN now() END,
        pause_requested = pause_requested AND NOT %(left)s::bool,
        worker = CASE WHEN %(left)s::bool THEN '' ELSE worker END,
        wake_at = CASE
            WHEN NOT %(left)s::bool THEN wake_at
            WHEN %(final)s::bool OR %(status)s::text = 'paused' THEN NULL
            WHEN poked THEN now()
            ELSE now() + make_interval(secs => %(wake_after)s::double precision) END,
        poked = poked AND NOT %(left)s::bool
    WHERE id = %(run)s::uuid AND fence = %(fence)s::bigint AND (status = 'running') IS TRUE
    RETURNING id, seq, pause_requested, wake_at <= now() AS due, unread
), done AS (
    UPDATE runs_toolcall c SET
        status = d.status, reason = d.reason, result = d.result, duration_ms = d.duration_ms,
        untrusted_source = d.untrusted_source, ended_at = now()
    FROM run, jsonb_to_recordset(%(done)s::jsonb) AS d(
        id bigint, status text, reason text, result jsonb, duration_ms int, untrusted_source text)
    WHERE c.id = d.id AND c.run_id = run.id AND (c.status = 'executing') IS TRUE
), opened AS (
    INSERT INTO runs_step (run_id, number, kind, status, fence, input, output, model, stop_reason, error, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, opened_at, reminder, recovery, context)
    SELECT run.id, o.number, o.kind, 'calling', %(fence)s::bigint, o.input, '[]', '', '', '', 0, 0, 0, 0, 0, now(),
        COALESCE(o.reminder, ''), o.recovery, o.context
    FROM run, jsonb_to_recordset(%(opened)s::jsonb) AS o(
        number int, kind text, input jsonb, reminder text, recovery jsonb, context jsonb)
    RETURNING id
), heard AS (
    UPDATE runs_runmessage m SET step_id = opened.id FROM opened WHERE m.id = ANY(%(heard)s::bigint[])
), closed AS (
    UPDATE runs_step s SET
        status = a.status, output = a.output, model = a.model, stop_reason = a.stop_reason, error = a.error,
        input_tokens = a.input_tokens, output_tokens = a.output_tokens, cache_read_tokens = a.cache_read_tokens,
        cache_write_tokens = a.cache_write_tokens, cost_usd = s.cost_usd + a.cost_usd,
        first_token_ms = a.first_token_ms, details = a.details, answered_at = now(), fence = %(fence)s::bigint
    FROM run, jsonb_to_recordset(%(closed)s::jsonb) AS a(
        id bigint, status text, output jsonb, model text, stop_reason text, error text, input_tokens bigint,
        output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint, cost_usd numeric,
        first_token_ms int, details jsonb)
    WHERE s.id = a.id AND s.run_id = run.id AND (s.status = 'calling') IS TRUE
), kept AS (
    UPDATE runs_step s SET fence = %(fence)s::bigint, cost_usd = s.cost_usd + %(cost)s::numeric
    FROM run WHERE s.id = %(kept)s::bigint AND s.run_id = run.id AND (s.status = 'calling') IS TRUE
), billed AS (
    INSERT INTO runs_modelcall (run_id, step_id, number, provider, model, started_at, duration_ms, first_token_ms,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, estimated,
        price_source, error_kind, error, request_id)
    SELECT run.id, m.* FROM run, jsonb_to_recordset(%(billed)s::jsonb) AS m(
        step_id bigint, number int, provider text, model text, started_at timestamptz, duration_ms int,
        first_token_ms int, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, reasoning_tokens bigint, cost_usd numeric, estimated bool, price_source text,
        error_kind text, error text, request_id text)
), proposed AS (
    INSERT INTO runs_toolcall (run_id, step_id, position, tool_use_id, tool, raw_arguments, arguments, status, tier,
        effect, idempotent, bound_hash, policy_version_id, rule, reason, fence, proposed_at, started_at, ended_at,
        result, untrusted_source, resolved_by_name, edited_by_name, ordered_by, undoes_id)
    SELECT run.id, p.step_id, p.position, p.tool_use_id, p.tool, p.raw_arguments, p.arguments, p.status, p.tier,
        p.effect, p.idempotent, p.bound_hash, p.policy_version_id, p.rule, p.reason, %(fence)s::bigint, now(),
        CASE WHEN p.status = 'executing' THEN now() END, CASE WHEN p.status = 'invalid' THEN now() END,
        p.result, '', '', '', COALESCE(p.ordered_by, ''), p.undoes
    FROM run, jsonb_to_recordset(%(proposed)s::jsonb) AS p(
        step_id bigint, position int, tool_use_id text, tool text, raw_arguments jsonb, arguments jsonb, status text,
        tier text, effect text, idempotent bool, bound_hash text, policy_version_id bigint, rule text, reason text,
        result jsonb, ordered_by text, undoes bigint)
    RETURNING id, position
), noted AS (
    INSERT INTO runs_event (run_id, seq, kind, data, at)
    SELECT run.id, run.seq - %(event_count)s::bigint + e.ordinality, e.value->>'kind', e.value->'data', now()
    FROM run, jsonb_array_elements(%(events)s::jsonb) WITH ORDINALITY AS e
)
SELECT run.seq, run.pause_requested, COALESCE(run.due, false), (SELECT id FROM opened),
    (SELECT jsonb_object_agg(position, id) FROM proposed)::text, run.unread
FROM run
"""


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
    row = first_row(COMMIT, _parameters(change))
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


def _parameters(change: Change) -> dict[str, Any]:
    return {
        "run": change.run,
        "fence": change.fence,
        "event_count": len(change.events),
        "events": dump(change.events),
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
        "done": dump(change.done),
        "opened": dump(change.opened),
        "heard": change.heard,
        "closed": dump(change.closed),
        "kept": change.kept,
        "billed": dump(change.billed),
        "proposed": dump(change.proposed),
        "left": change.left,
        "final": change.final,
        "new_slice": change.slice is not None,
        "slice_drawn": change.slice.amount if change.slice else 0,
        "slice_accounts": change.slice.accounts if change.slice else [],
        "status": change.status,
        "waiting_on": change.waiting_on,
        "wake_after": change.wake_after,
        "stop_reason": change.stop_reason,
        "stop_detail": change.stop_detail,
        "answer": change.answer,
        "answer_data": None if change.answer_data is None else dump(change.answer_data),
        "outcome": change.outcome,
        "outcome_detail": change.outcome_detail,
        "ordered": change.ordered,
    }


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
