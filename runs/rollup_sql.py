"""The statements that count: for each table of figures, the hours from `begin` up to and without `end`."""

from __future__ import annotations

from .figures import BOUNDS_MS, BUCKETS

_BOUNDS = "ARRAY[" + ",".join(str(bound) for bound in BOUNDS_MS) + "]::bigint[]"


def _counts(bucket: str, only: str) -> str:
    """An array of how many rows fall into each bucket."""
    columns = (f"count(*) FILTER (WHERE {bucket} = {number} AND {only})" for number in range(BUCKETS))
    return "ARRAY[" + ", ".join(columns) + "]"


CLEAR = "DELETE FROM {table} WHERE hour >= %(begin)s AND hour < %(end)s"

SPEND = """
INSERT INTO runs_hourlyspend (hour, team_id, agent, model, started_by, price_source, calls, failed_attempts,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, estimated_usd, saved_usd)
SELECT date_trunc('hour', m.started_at, 'UTC'), r.team_id, r.agent_name, m.model,
    COALESCE(NULLIF(r.started_by_name, ''), r.started_via), m.price_source, count(*),
    count(*) FILTER (WHERE m.error_kind <> ''), sum(m.input_tokens), sum(m.output_tokens), sum(m.cache_read_tokens),
    sum(m.cache_write_tokens), sum(m.cost_usd), COALESCE(sum(m.cost_usd) FILTER (WHERE m.estimated), 0), 0
FROM runs_modelcall m JOIN runs_run r ON r.id = m.run_id
WHERE m.started_at >= %(begin)s AND m.started_at < %(end)s
GROUP BY 1, 2, 3, 4, 5, 6
"""

_TASK = "(plan_step_id IS NULL AND undoes_id IS NULL)"
"""What carries out a step of a plan, or undoes, is no task of its own: what it took belongs to the task it serves."""

RUNS = f"""
INSERT INTO runs_hourlyruns (hour, team_id, agent, started, succeeded, failed, cancelled, completed, not_completed,
    missed, steps, cost_usd, active_ms, durations)
SELECT hour, team_id, agent_name, count(*) FILTER (WHERE task AND status = ''),
    count(*) FILTER (WHERE task AND status = 'succeeded'), count(*) FILTER (WHERE task AND status = 'failed'),
    count(*) FILTER (WHERE task AND status = 'cancelled'),
    count(*) FILTER (WHERE outcome = 'completed'), count(*) FILTER (WHERE outcome = 'not_completed'),
    count(*) FILTER (WHERE outcome = 'not_completed' AND status = 'succeeded'), sum(steps),
    sum(cost_usd), sum(active_ms), {_counts("width_bucket(active_ms, " + _BOUNDS + ")", "task AND status <> ''")}
FROM (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, team_id, agent_name, {_TASK} AS task, '' AS status,
        '' AS outcome, 0 AS steps, 0 AS cost_usd, 0 AS active_ms
    FROM runs_run WHERE created_at >= %(begin)s AND created_at < %(end)s
    UNION ALL
    SELECT date_trunc('hour', ended_at, 'UTC'), team_id, agent_name, {_TASK}, status, outcome, steps, cost_usd,
        active_ms
    FROM runs_run WHERE ended_at >= %(begin)s AND ended_at < %(end)s
) AS seen
GROUP BY 1, 2, 3
"""  # noqa: S608 - numbers of our own

TOOLS = f"""
INSERT INTO runs_hourlytools (hour, team_id, tool, calls, succeeded, failed, invalid, rejected, first_tries,
    first_succeeded, durations)
SELECT date_trunc('hour', ended_at, 'UTC'), team_id, tool, count(*), count(*) FILTER (WHERE status = 'succeeded'),
    count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'invalid'),
    count(*) FILTER (WHERE status IN ('rejected', 'expired')),
    count(*) FILTER (WHERE tried AND NOT again), count(*) FILTER (WHERE status = 'succeeded' AND NOT again),
    {_counts("width_bucket(duration_ms, " + _BOUNDS + ")", "duration_ms IS NOT NULL")}
FROM (
    SELECT c.ended_at, r.team_id, c.tool, c.status, c.duration_ms,
        c.status IN ('succeeded', 'failed', 'invalid') AS tried,
        EXISTS (
            SELECT FROM runs_toolcall f JOIN runs_step fs ON fs.id = f.step_id
            WHERE f.run_id = c.run_id AND f.tool = c.tool AND f.status IN ('failed', 'invalid')
              AND fs.number = s.number - 1
        ) AS again
    FROM runs_toolcall c JOIN runs_run r ON r.id = c.run_id JOIN runs_step s ON s.id = c.step_id
    WHERE c.ended_at >= %(begin)s AND c.ended_at < %(end)s
) AS seen
GROUP BY 1, 2, 3
"""  # noqa: S608 - numbers of our own

DECISIONS = """
INSERT INTO runs_hourlydecisions (hour, team_id, decided, rule_errors, waited_ms)
SELECT date_trunc('hour', a.decided_at, 'UTC'), a.team_id, count(*) FILTER (WHERE a.decided_by_name <> ''),
    count(*) FILTER (WHERE a.rule_error <> ''),
    COALESCE(sum(extract(epoch FROM a.decided_at - a.created_at) * 1000) FILTER (WHERE a.decided_by_name <> ''), 0)
FROM accounts_team t JOIN approvals_approvalrequest a ON a.team_id = t.id
WHERE a.status <> 'pending' AND a.decided_at >= %(begin)s AND a.decided_at < %(end)s
GROUP BY 1, 2
"""

FILL = {
    "runs_hourlyspend": SPEND,
    "runs_hourlyruns": RUNS,
    "runs_hourlytools": TOOLS,
    "runs_hourlydecisions": DECISIONS,
}

_DAYS = """
    (%(begin)s AT TIME ZONE %(zone)s)::date AND ((%(end)s - interval '1 hour') AT TIME ZONE %(zone)s)::date
"""
DAYS = (
    f"DELETE FROM runs_dailyspend WHERE day BETWEEN {_DAYS}",  # noqa: S608 - as above
    f"""
INSERT INTO runs_dailyspend (day, team_id, agent, model, started_by, price_source, calls, failed_attempts,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, estimated_usd, saved_usd)
SELECT (hour AT TIME ZONE %(zone)s)::date, team_id, agent, model, started_by, price_source, sum(calls),
    sum(failed_attempts), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
    sum(cost_usd), sum(estimated_usd), sum(saved_usd)
FROM runs_hourlyspend
WHERE hour >= %(begin)s - interval '1 day' AND hour < %(end)s + interval '1 day'
  AND (hour AT TIME ZONE %(zone)s)::date BETWEEN {_DAYS}
GROUP BY 1, 2, 3, 4, 5, 6
""",  # noqa: S608 - as above
)
