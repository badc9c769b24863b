"""From a decision to the next step, with 1,000 runs waiting: a real worker process, decisions one by one in this one.

Beside DBOS (a message from another process to a waiting workflow) and a bare Celery message between two processes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from functools import partial

from django.contrib.auth import get_user_model

from agentops.accounts.access import Actor
from approvals.actions import decide
from approvals.models import ApprovalRequest
from runs.models import Run, Step
from runs.wake import hint

from . import hop, processes, rows
from .peering import Peers
from .result import Result

WAITING, DECIDED = 1000, 200
PATIENCE_SECONDS = 120


def measure(peers: Peers, waiting: int = WAITING, decided: int = DECIDED) -> Iterator[Result]:
    took = sorted(_ours(waiting, decided))
    name = f"decision to next step, {waiting:,} waiting"
    dbos = peers.run("dbos_resume", "wait", waiting=waiting, decided=decided)
    peer = {"peer": statistics.median(dbos), "peer_name": "DBOS"} if dbos else {}
    yield Result(f"{name}, p50", "ms", statistics.median(took), 15, False, **peer)
    yield Result(f"{name}, p99", "ms", took[int(len(took) * 0.99) - 1], 100, False)
    bare = {"peer": statistics.median(hop.milliseconds(decided)), "peer_name": "a bare Celery message"}
    yield Result(f"{name}, p50, beside a bare Celery message", "ms", statistics.median(took), None, False, **bare)


def _ours(waiting: int, decided: int) -> list[float]:
    person, _ = get_user_model().objects.get_or_create(username="bench", defaults={"is_superuser": True})
    ids = [run.pk for run in rows.queue(rows.agent(), waiting)]
    with processes.workers(1):
        for run_id in ids:
            hint(run_id)
        held = Run.objects.filter(pk__in=ids, waiting_on="approval")
        processes.until(lambda: held.count() == waiting, "The runs did not come to wait.", PATIENCE_SECONDS)
        requests = ApprovalRequest.objects.pending().filter(context__run_id__in=[str(pk) for pk in ids])
        chosen = list(requests.order_by("pk")[:decided])
        for request in chosen:
            decide(Actor(person), request.pk, decision="approve", revision=request.revision, via="api")
            run_id = request.context["run_id"]
            processes.until(partial(_went_on, run_id), "A decided run did not go on.")
        # Else the last ones are still on their way to their ends when the worker is ended.
        processes.until(lambda: held.count() == waiting - len(chosen), "The decided runs did not end.")
    return _milliseconds([request.context["run_id"] for request in chosen])


def _went_on(run_id: str) -> bool:
    time.sleep(0.01)
    return Step.objects.filter(run_id=run_id, number=2).exists()


def _milliseconds(ids: list[str]) -> list[float]:
    """By the database's clock: from the decision's transaction to the next step's row."""
    decided = {
        request.context["run_id"]: request.decided_at
        for request in ApprovalRequest.objects.filter(context__run_id__in=ids)
    }
    steps = Step.objects.filter(run_id__in=ids, number=2)
    return [(step.opened_at - decided[str(step.run_id)]).total_seconds() * 1000 for step in steps]
