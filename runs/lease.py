"""Who may write to a run: a lease with a fencing number, all times by the database's clock.

A running run's `wake_at` is the end of its lease. Taking it raises `fence`: whoever held it before writes nothing.
A worker that hands a run over leaves it running with no `worker`; one that dies leaves its name there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from agentops.core.errors import LeaseLost
from agentops.engine.interrupts import Pause, Release

from . import fairness
from .statements import first_row

PROTOCOL = 2
"""What this version's workers can carry: runs that need no more. Raise it when older workers would misread a run."""

_TAKE = """, run AS (
    UPDATE runs_run r SET
        status = 'running', fence = fence + 1, seq = seq + 1, worker = %(worker)s::text,
        hinted_at = NULL, poked = false,
        wake_at = now() + make_interval(secs => %(seconds)s::double precision),
        waiting_on = '', waiting_since = NULL, stop_detail = '', started_at = COALESCE(started_at, now()),
        recoveries = recoveries + (old.abandoned OR old.waiting_on = 'backoff')::int
    FROM old WHERE r.id = old.id
    RETURNING r.id, r.fence, r.seq, r.team_id, r.pause_requested, old.abandoned
), noted AS (
    INSERT INTO runs_event (run_id, seq, kind, data, at)
    SELECT id, seq, CASE WHEN abandoned THEN 'run.recovered' ELSE 'run.changed' END,
        '{"status": "running", "waiting_on": ""}'::jsonb, now() FROM run
)
SELECT id::text, fence, seq, team_id, abandoned, pause_requested FROM run
"""

ACQUIRE = f"""
WITH old AS (
    SELECT id, waiting_on, status = 'running' AND worker <> '' AS abandoned FROM runs_run
    WHERE id = %(run)s::uuid AND wake_at <= now() AND status IN ('queued', 'running', 'waiting')
        AND needs <= %(protocol)s::int
    FOR UPDATE SKIP LOCKED
){_TAKE}"""  # noqa: S608 - of constants

ACQUIRE_FAIREST = fairness.FAIREST + _TAKE

RENEW = """
WITH mine AS (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS mine(id, fence)
), free AS (
    SELECT r.id FROM runs_run r JOIN mine ON r.id = mine.id AND r.fence = mine.fence
    WHERE r.status = 'running' AND r.worker <> '' FOR UPDATE OF r SKIP LOCKED
), renewed AS (
    UPDATE runs_run r SET wake_at = now() + make_interval(secs => %s) FROM free WHERE r.id = free.id
    RETURNING r.id, r.pause_requested
)
SELECT r.id::text, renewed.pause_requested FROM mine
JOIN runs_run r ON r.id = mine.id AND r.fence = mine.fence AND r.status = 'running'
LEFT JOIN renewed ON renewed.id = r.id
"""
"""The runs that are still mine; without a word on a pause where a run's row is in other hands just now. A row that
somebody holds for long may cost that run its lease, never the others theirs. A run handed over meanwhile is not
renewed: nobody could take it until that ran out."""


@dataclass(slots=True)
class Lease:
    """One run in one worker's hands. `valid_until` is on the monotonic clock, never later than by the database's."""

    run_id: str
    fence: int
    team_id: int
    seq: int
    recovered: bool
    valid_until: float
    pause_asked: bool = False
    release_asked: bool = False

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.valid_until

    @property
    def event(self) -> dict[str, Any]:
        """The event that taking it wrote, for whoever watches."""
        kind = "run.recovered" if self.recovered else "run.changed"
        return {"seq": self.seq, "kind": kind, "data": {"status": "running", "waiting_on": ""}}

    def check_lease(self) -> None:
        """Raises LeaseLost when the lease may have run out."""
        if self.expired:
            raise LeaseLost("The lease ran out before it could be renewed.")

    def check(self) -> None:
        self.check_lease()
        if self.pause_asked:
            raise Pause
        if self.release_asked:
            raise Release


def acquire(run_id: str, worker: str) -> Lease | None:
    """Take the run if its time has come, nobody holds it, and this version can carry it."""
    return _taken(ACQUIRE, worker, {"run": run_id})


def acquire_fairest(worker: str, served: Iterable[int] = ()) -> Lease | None:
    """Take the due run whose turn it is (see `fairness`). Runs that another worker takes now are passed over.

    `served`: the teams whose runs this worker took, the last one last.
    """
    return _taken(ACQUIRE_FAIREST, worker, {"served": list(served)})


def _taken(sql: str, worker: str, which: dict[str, Any]) -> Lease | None:
    begin = time.monotonic()
    seconds = settings.AGENTOPS_LEASE_SECONDS
    row = first_row(sql, {**which, "worker": worker, "seconds": seconds, "protocol": PROTOCOL})
    if row is None:
        return None
    run_id, fence, seq, team_id, abandoned, pause_asked = row
    return Lease(run_id, fence, team_id, seq, abandoned, begin + seconds, pause_asked)


def renew(leases: Iterable[Lease]) -> list[Lease]:
    """Renew all of a worker's leases in one statement; returns those that are lost."""
    held = {lease.run_id: lease for lease in leases}
    if not held:
        return []
    begin = time.monotonic()
    seconds = settings.AGENTOPS_LEASE_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [list(held), [lease.fence for lease in held.values()], seconds])
        mine = dict(cursor.fetchall())
    for run_id, pause_requested in mine.items():
        if pause_requested is not None:
            held[run_id].valid_until = begin + seconds
            # Never back to false: an order may have come since. One that was taken back is found at the boundary.
            held[run_id].pause_asked |= pause_requested
    return [lease for run_id, lease in held.items() if run_id not in mine or lease.expired]
