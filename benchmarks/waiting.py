"""10,000 runs that wait, half of them until a time of their own: what a worker and a sweep have to do with them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from agentops.live import roster
from runs import sweep
from runs.models import Run

from . import processes, rows
from .result import Result

RUNS = 10_000
SECONDS = 8.0
SWEEPS = 30
BUSY = 5
"""Percent of a core that a worker may take for its own sake: heartbeat, control channel, Celery."""


def measure(runs: int = RUNS, seconds: float = SECONDS) -> Iterator[Result]:
    found = rows.agent()
    waiting = rows.queue(found, runs, due=False)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE runs_run")
    ids = [run.pk for run in waiting]
    Run.objects.filter(pk__in=ids).update(status=Run.Status.WAITING, waiting_on="approval", waiting_since=Now())
    Run.objects.filter(pk__in=ids[::2]).update(wake_at=Now() + timedelta(hours=1))
    try:
        with processes.workers(1) as workers:
            processes.until(lambda: bool(roster.look()), "The worker did not start.")
            time.sleep(1)  # its start is not what is measured
            begin = processes.cpu_seconds(workers)
            time.sleep(seconds)
            percent = (processes.cpu_seconds(workers) - begin) / seconds * 100
        took = sorted(_sweep() for _ in range(SWEEPS))
    finally:
        Run.objects.filter(pk__in=ids).delete()
    name = f"{runs:,} waiting runs"
    yield Result(f"{name}: CPU of an idle worker", "% of a core", percent, BUSY, False)
    yield Result(f"{name}: a sweep, p50", "ms", statistics.median(took), None, False)
    yield Result(f"{name}: a sweep, slowest of {SWEEPS}", "ms", took[-1], 50, False)


def _sweep() -> float:
    begin = time.perf_counter()
    sweep.wake_due_runs()
    sweep.settle_orphans()
    return (time.perf_counter() - begin) * 1000
