"""Whose due run a worker takes next when it is busy, and whose runs make room when it is full.

The team with the fewest running runs comes first, among equals the one that this worker has served the longest ago; of
its runs those of a higher priority; of these the agent's with the fewest running; then the one that has been due the
longest. Runs that wait are not looked at: the index
`runs_in_fair_order` leads from one team and agent to the next, and to the oldest due run of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from django.db import connection

LATE_SECONDS = 2.0
"""How long a team's runs may be due before others' running ones make room."""
ENOUGH = 1000
"""Late runs of one agent and priority that are counted."""

CROWD = """
WITH RECURSIVE crowd AS (
    (SELECT team_id, COALESCE(agent_id, 0) AS agent FROM runs_run
     WHERE wake_at IS NOT NULL ORDER BY team_id, COALESCE(agent_id, 0) LIMIT 1)
    UNION ALL
    SELECT further.* FROM crowd CROSS JOIN LATERAL (
        SELECT team_id, COALESCE(agent_id, 0) AS agent FROM runs_run
        WHERE wake_at IS NOT NULL AND (team_id, COALESCE(agent_id, 0)) > (crowd.team_id, crowd.agent)
        ORDER BY team_id, COALESCE(agent_id, 0) LIMIT 1) AS further
), line AS (
    SELECT team_id, agent, priority FROM crowd CROSS JOIN (VALUES (1), (0), (-1)) AS known(priority)
)"""

_DUE = """FROM runs_run WHERE team_id = line.team_id AND COALESCE(agent_id, 0) = line.agent
            AND priority = line.priority AND wake_at <= now() - make_interval(secs => {late})
            AND (status IN ('queued', 'running', 'waiting')) IS TRUE AND needs <= %(protocol)s::int
        ORDER BY wake_at"""

# The second LATERAL locks what the first has found, unless another worker was faster: then the next.
FAIREST = f"""{CROWD}, busy AS (
    SELECT team_id, COALESCE(agent_id, 0) AS agent, count(*) AS running FROM runs_run
    WHERE status = 'running' AND worker <> '' AND wake_at > now() GROUP BY 1, 2
), queue AS (
    SELECT line.*, first.wake_at, COALESCE(busy.running, 0) AS of_agent,
        COALESCE((SELECT sum(running) FROM busy WHERE busy.team_id = line.team_id), 0) AS of_team,
        COALESCE(array_position(%(served)s::bigint[], line.team_id), 0) AS served
    FROM line LEFT JOIN busy USING (team_id, agent)
    CROSS JOIN LATERAL (SELECT wake_at {_DUE.format(late="0")} LIMIT 1) AS first
), old AS (
    SELECT taken.* FROM (SELECT * FROM queue ORDER BY of_team, served, priority DESC, of_agent, wake_at) AS line
    CROSS JOIN LATERAL (
        SELECT id, waiting_on, status = 'running' AND worker <> '' AS abandoned
        {_DUE.format(late="0")} LIMIT 1 FOR UPDATE SKIP LOCKED) AS taken
    ORDER BY line.of_team, line.served, line.priority DESC, line.of_agent, line.wake_at LIMIT 1
)"""  # noqa: S608 - of constants

LOADS = f"""{CROWD}, busy AS (
    SELECT team_id, count(*) AS running, count(*) FILTER (WHERE worker = %(worker)s::text) AS mine FROM runs_run
    WHERE status = 'running' AND worker <> '' AND wake_at > now() GROUP BY 1
), late AS (
    SELECT team_id, sum(due.late) AS late
    FROM line CROSS JOIN LATERAL (
        SELECT count(*) AS late
        FROM (SELECT 1 {_DUE.format(late="%(late)s::double precision")} LIMIT {ENOUGH}) AS counted
    ) AS due GROUP BY 1 HAVING sum(due.late) > 0
)
SELECT team_id, COALESCE(running, 0), COALESCE(mine, 0), COALESCE(late, 0) FROM busy FULL JOIN late USING (team_id)
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Load:
    """What a team has: `running` runs everywhere, `mine` of them here, and `late` ones due for too long."""

    team_id: int
    running: int
    mine: int
    late: int


def loads(worker: str, protocol: int) -> list[Load]:
    """Of every team with a running or a late run."""
    with connection.cursor() as cursor:
        cursor.execute(LOADS, {"worker": worker, "protocol": protocol, "late": LATE_SECONDS})
        return [Load(*map(int, row)) for row in cursor.fetchall()]


def to_leave(teams: Iterable[Load]) -> dict[int, int]:
    """How many of this worker's runs should leave, by team. Every full worker reckons its part of the same sum.

    An even share of all running runs is a team's due. Teams below theirs whose runs are late get what is missing, from
    the teams that are furthest above. Nobody is pushed below the even share, so nothing goes back and forth.
    """
    known = list(teams)
    if not known:
        return {}
    share = ceil(sum(team.running for team in known) / len(known))
    wanted = sum(min(team.late, share - team.running) for team in known if team.running < share)
    leaving = {}
    for team in sorted(known, key=lambda one: (-one.running, one.team_id)):
        given = min(wanted, team.running - share)
        if given <= 0:
            break
        wanted -= given
        leaving[team.team_id] = ceil(given * team.mine / team.running)
    return leaving
