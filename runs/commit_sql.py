"""The statement of one commit, of the parts that it has: what a commit does not do costs PostgreSQL nothing.

The run's row comes first; every other part hangs on it. Statuses are compared by `(…) IS TRUE`, so that the planner
finds rows by their keys and not by the partial indexes of the sweep.
"""

from __future__ import annotations

from functools import cache

ALWAYS = """
        seq = seq + %(event_count)s::bigint,
        steps = steps + %(steps)s::bigint,
        tool_calls = tool_calls + %(tool_calls)s::bigint,
        input_tokens = input_tokens + %(input_tokens)s::bigint,
        output_tokens = output_tokens + %(output_tokens)s::bigint,
        cache_read_tokens = cache_read_tokens + %(cache_read_tokens)s::bigint,
        cost_usd = cost_usd + %(cost)s::numeric,
        active_ms = active_ms + %(active_ms)s::bigint,
        held_usd = COALESCE(%(held)s::numeric, held_usd),
        tainted_by = CASE WHEN tainted_by = '' THEN %(tainted_by)s::text ELSE tainted_by END,
        recoveries = CASE WHEN %(progress)s::bool THEN 0 ELSE recoveries END,
        unread = unread - cardinality(%(heard)s::bigint[]),
        orders = CASE WHEN %(ordered)s::bool THEN orders - 0 ELSE orders END"""

SAME_SLICE = """,
        slice_spent = slice_spent + %(cost)s::numeric"""

NEW_SLICE = """,
        slice_spent = 0, slice_drawn = %(slice_drawn)s::numeric, slice_accounts = %(slice_accounts)s::bigint[]"""

LEAVING = """,
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
        pause_requested = false,
        worker = '',
        wake_at = CASE
            WHEN %(final)s::bool OR %(status)s::text = 'paused' THEN NULL
            WHEN poked THEN now()
            ELSE now() + make_interval(secs => %(wake_after)s::double precision) END,
        poked = false"""

PARTS = {
    "done": """
    UPDATE runs_toolcall c SET
        status = d.status, reason = d.reason, result = d.result, duration_ms = d.duration_ms,
        untrusted_source = d.untrusted_source, ended_at = now()
    FROM run, jsonb_to_recordset(%(done)s::jsonb) AS d(
        id bigint, status text, reason text, result jsonb, duration_ms int, untrusted_source text)
    WHERE c.id = d.id AND c.run_id = run.id AND (c.status = 'executing') IS TRUE""",
    "opened": """
    INSERT INTO runs_step (run_id, number, kind, status, fence, input, output, model, stop_reason, error, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, opened_at, reminder, recovery, context)
    SELECT run.id, o.number, o.kind, 'calling', %(fence)s::bigint, o.input, '[]', '', '', '', 0, 0, 0, 0, 0, now(),
        COALESCE(o.reminder, ''), o.recovery, o.context
    FROM run, jsonb_to_recordset(%(opened)s::jsonb) AS o(
        number int, kind text, input jsonb, reminder text, recovery jsonb, context jsonb)
    RETURNING id""",
    "heard": """
    UPDATE runs_runmessage m SET step_id = opened.id FROM opened WHERE m.id = ANY(%(heard)s::bigint[])""",
    "closed": """
    UPDATE runs_step s SET
        status = a.status, output = a.output, model = a.model, stop_reason = a.stop_reason, error = a.error,
        input_tokens = a.input_tokens, output_tokens = a.output_tokens, cache_read_tokens = a.cache_read_tokens,
        cache_write_tokens = a.cache_write_tokens, cost_usd = s.cost_usd + a.cost_usd,
        first_token_ms = a.first_token_ms, details = a.details, answered_at = now(), fence = %(fence)s::bigint
    FROM run, jsonb_to_recordset(%(closed)s::jsonb) AS a(
        id bigint, status text, output jsonb, model text, stop_reason text, error text, input_tokens bigint,
        output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint, cost_usd numeric,
        first_token_ms int, details jsonb)
    WHERE s.id = a.id AND s.run_id = run.id AND (s.status = 'calling') IS TRUE""",
    "kept": """
    UPDATE runs_step s SET fence = %(fence)s::bigint, cost_usd = s.cost_usd + %(cost)s::numeric
    FROM run WHERE s.id = %(kept)s::bigint AND s.run_id = run.id AND (s.status = 'calling') IS TRUE""",
    "billed": """
    INSERT INTO runs_modelcall (run_id, step_id, number, provider, model, started_at, duration_ms, first_token_ms,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, estimated,
        price_source, error_kind, error, request_id)
    SELECT run.id, m.* FROM run, jsonb_to_recordset(%(billed)s::jsonb) AS m(
        step_id bigint, number int, provider text, model text, started_at timestamptz, duration_ms int,
        first_token_ms int, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, reasoning_tokens bigint, cost_usd numeric, estimated bool, price_source text,
        error_kind text, error text, request_id text)""",
    "proposed": """
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
    RETURNING id, position""",
    "noted": """
    INSERT INTO runs_event (run_id, seq, kind, data, at)
    SELECT run.id, run.seq - %(event_count)s::bigint + e.ordinality, e.value->>'kind', e.value->'data', now()
    FROM run, jsonb_array_elements(%(noted)s::jsonb) WITH ORDINALITY AS e""",
}
"""Each is written where the commit has such rows, given by its name as JSON."""


@cache
def statement(parts: tuple[str, ...], *, left: bool, new_slice: bool) -> str:
    """Of a commit with these of `PARTS`."""
    changes = ALWAYS + (NEW_SLICE if new_slice else SAME_SLICE) + (LEAVING if left else "")
    rest = "".join(f", {name} AS ({text}\n)" for name, text in PARTS.items() if name in parts)
    step = "(SELECT id FROM opened)" if "opened" in parts else "NULL::bigint"
    calls = "(SELECT jsonb_object_agg(position, id) FROM proposed)::text" if "proposed" in parts else "NULL::text"
    return f"""
WITH run AS (
    UPDATE runs_run SET {changes}
    WHERE id = %(run)s::uuid AND fence = %(fence)s::bigint AND (status = 'running') IS TRUE
    RETURNING id, seq, pause_requested, wake_at <= now() AS due, unread
){rest}
SELECT run.seq, run.pause_requested, COALESCE(run.due, false), {step}, {calls}, run.unread FROM run
"""  # noqa: S608 - of parts of our own
