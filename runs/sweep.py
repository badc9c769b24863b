"""Finds by their rows the runs that nobody looks after: due, abandoned by a dead worker, or ended in mid-call."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from agentops.core.states import CallStatus
from agentops.live import publish, roster

from . import children, estimating, late
from .lease import PROTOCOL
from .models import Firing, IdempotencyKey, Run, Step, ToolCall
from .wake import hint, queued

log = structlog.get_logger(__name__)

HINT_AGAIN_SECONDS = 5
MOST_QUEUED = 500
"""Hints that lie in the queue before the sweep adds none: workers that are full have enough to choose from."""
KEEP_KEYS = timedelta(days=7)
KEEP_FIRINGS = timedelta(days=90)

# A subquery in place of the CTE might be run again for each row it is compared with, and find others each time.
DUE = """
WITH due AS (
    SELECT id FROM runs_run
    WHERE wake_at <= now() AND status IN ('queued', 'running', 'waiting')
      AND (hinted_at IS NULL OR hinted_at < now() - make_interval(secs => %s)) AND needs <= %s
    ORDER BY wake_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE runs_run r SET hinted_at = now() FROM due WHERE r.id = due.id RETURNING r.id, r.status
"""


def wake_due_runs() -> int:
    """Ask for a worker for every run whose time has come. Hints are not repeated within a few seconds.

    None is sent while the queue is long, or cannot be reached: nothing would come of it. Nor for a run that no living
    worker can carry: such runs would crowd out the others.
    """
    waiting = queued()
    if waiting is None or waiting >= MOST_QUEUED:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(DUE, [HINT_AGAIN_SECONDS, _carried(), MOST_QUEUED - waiting])
        due = cursor.fetchall()
    for run_id, status in due:
        if status == Run.Status.RUNNING:
            log.warning("lease_ran_out", run=str(run_id))
        hint(run_id)
    return len(due)


def _carried() -> int:
    """The newest protocol of the living workers; while none lives, this version's own."""
    return roster.protocol(roster.look() or []) or PROTOCOL


def settle_orphans() -> int:
    """Ended runs that still hold money or an executing call: bill an estimate, ask a person what happened."""
    found = late.orphans()
    for orphan in found:
        with transaction.atomic():
            run = Run.objects.select_for_update().get(pk=orphan.pk)
            if not run.is_final:
                continue  # somebody has just let it go on
            events: list[tuple[str, dict[str, object]]] = []
            step = Step.objects.filter(run=run, status=Step.Status.CALLING).first()
            if step:
                Step.objects.filter(pk=step.pk).update(status=Step.Status.ABANDONED, answered_at=Now())
                events.append(("step.abandoned", {"step": step.number}))
                late.book(run, step.pk, [estimating.of_row(run, step)])
            elif run.held_usd:
                late.book(run, 0, [])
            events += late.give_up(ToolCall.objects.filter(run=run, status=CallStatus.EXECUTING))
            numbered = late.add_events(run, events)
        publish.announce(run.pk, run.team_id, numbered)
    return len(found)


def hear_of_children() -> int:
    """Runs below others that ended while their worker could not tell of it."""
    return children.report_ended()


def forget_idempotency_keys() -> int:
    """Keys are good for a week."""
    count, _ = IdempotencyKey.objects.filter(created_at__lt=Now() - KEEP_KEYS).delete()
    return count


def forget_firings() -> int:
    """What triggers came to is kept for 90 days; the runs stay."""
    count, _ = Firing.objects.filter(at__lt=Now() - KEEP_FIRINGS).delete()
    return count
