"""Durable steps a second: the real worker loop, journal, policy and PostgreSQL with fsync on; a scripted model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from django.db import connection

from runs import worker
from runs.models import Run

from . import rows
from .result import Result
from .scripted import Scripted

STEPS = 10
ROUNDS = 5


def measure() -> Iterator[Result]:
    with closing(worker.Worker(Scripted("bench_look", STEPS))) as here:
        _steps_a_second(here, 5)  # to warm up
        alone = statistics.median(_steps_a_second(here, 1) for _ in range(ROUNDS * 4))
        many = statistics.median(_steps_a_second(here, 50) for _ in range(ROUNDS))
    yield Result("durable steps, one run of 10 steps", "steps/s", alone)
    yield Result("durable steps, 50 runs of 10 steps at once", "steps/s", many)


def _steps_a_second(here: worker.Worker, runs: int) -> float:
    queued = [str(run.pk) for run in rows.queue(rows.agent(), runs)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(runs) as threads:
        list(threads.map(here.advance, queued))
    took = time.perf_counter() - begin
    ended = Run.objects.filter(pk__in=queued, status=Run.Status.SUCCEEDED, steps=STEPS).count()
    connection.close()
    if ended != runs:
        raise RuntimeError(f"Only {ended} of {runs} runs came to their end.")
    return runs * STEPS / took
