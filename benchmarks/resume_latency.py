"""From a decision to the next step, with 200 runs waiting: a real worker process, decisions one by one in this one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from django.contrib.auth import get_user_model
from django.db import connection

from agentops.accounts.access import Actor
from approvals.actions import decide
from approvals.models import ApprovalRequest
from runs.models import Run, Step
from runs.wake import hint

from . import rows
from .result import Result

WAITING = 200
PATIENCE_SECONDS = 120


def measure() -> Iterator[Result]:
    person, _ = get_user_model().objects.get_or_create(username="bench", defaults={"is_superuser": True})
    queued = rows.queue(rows.agent(), WAITING)
    connection.close()
    arguments = ["worker", "--pool=threads", "-c", "500", "-Q", "runs", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-q", "-A", "benchmarks.worker", *arguments, "--loglevel", "WARNING"]
    worker = subprocess.Popen(command, env=os.environ.copy())
    try:
        for run in queued:
            hint(run.pk)
        ids = [run.pk for run in queued]
        _until(lambda: Run.objects.filter(pk__in=ids, waiting_on="approval").count() == WAITING)
        for request in ApprovalRequest.objects.pending().filter(team__slug="bench"):
            decide(Actor(person), request.pk, decision="approve", revision=request.revision, via="api")
            _until(partial(_went_on, request.context["run_id"]))
        _until(lambda: Run.objects.filter(pk__in=ids, status=Run.Status.SUCCEEDED).count() == WAITING)
    finally:
        worker.terminate()
        worker.wait()
    took = sorted(_milliseconds(ids))
    yield Result("decision to next step, 200 waiting runs, p50", "ms", statistics.median(took), 15, False)
    yield Result("decision to next step, 200 waiting runs, p99", "ms", took[int(len(took) * 0.99) - 1], 100, False)


def _went_on(run_id: str) -> bool:
    return Step.objects.filter(run_id=run_id, number=2).exists()


def _milliseconds(ids: list[object]) -> Iterator[float]:
    """By the database's clock: from the decision's transaction to the next step's row."""
    decided = {
        request.context["run_id"]: request.decided_at
        for request in ApprovalRequest.objects.filter(context__run_id__in=[str(pk) for pk in ids])
    }
    for step in Step.objects.filter(run_id__in=ids, number=2):
        yield (step.opened_at - decided[str(step.run_id)]).total_seconds() * 1000


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("The worker did not get there.")
        time.sleep(0.01)
