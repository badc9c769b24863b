"""What happens when nobody decides: due countdowns fire, by the same door as people and never over them."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat, Now

from agentops.core.errors import Conflict

from ..models import ApprovalRequest, SweepClock
from .settling import By, Status, Verb, Via, announce, carry_out, locked

log = logging.getLogger("approvals.timers")

DOWN_AFTER = timedelta(seconds=15)
"""A sweep this long after the one before means that nobody may have been able to see the countdowns end."""
BATCH = 100

NOBODY_OBJECTED = "Its countdown ended and nobody objected."
TOO_LATE = "Nobody decided before its deadline."
SHOWN_AGAIN = "; its countdown was started again after a downtime"


def fire_due_timers() -> int:
    """Fire every countdown that has ended by the database's clock. How many fired."""
    fired = 0
    for batch in _batches(_due().order_by("decide_at", "id").values_list("id", flat=True)):
        _keep_time()
        fired += sum(_fire(request_id) for request_id in batch)
    return fired


def _batches(ids: QuerySet[ApprovalRequest, UUID]) -> list[list[UUID]]:
    """At least one, so that a sweep without work keeps the time as well."""
    due = list(ids)
    return [due[start : start + BATCH] for start in range(0, len(due), BATCH)] or [[]]


def _due() -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.pending().filter(decide_at__lte=Now()).exclude(on_deadline="")


def _fire(request_id: UUID) -> bool:
    try:
        with transaction.atomic():
            return _fire_if_due(request_id)
    except Conflict as refusal:
        log.warning("timer of %s was refused: %s", request_id, refusal)
        with transaction.atomic():
            _leave_to_people(request_id, str(refusal))
    except Exception:
        # One broken request must not keep the others from their time; the next sweep tries it again.
        log.exception("timer of %s failed", request_id)
    return False


def _fire_if_due(request_id: UUID) -> bool:
    request = locked(ApprovalRequest.objects.get(pk=request_id))
    if not _is_due(request):
        return False
    verb = Verb(request.on_deadline)
    carry_out(request, verb, By(Via.TIMER), reason=TOO_LATE if verb is Verb.EXPIRE else NOBODY_OBJECTED)
    return True


def _leave_to_people(request_id: UUID, why: str) -> None:
    request = locked(ApprovalRequest.objects.get(pk=request_id))
    if _is_due(request):
        carry_out(request, Verb.HOLD, By(Via.SYSTEM), reason=f"Its countdown could not approve it: {why}")


def _is_due(request: ApprovalRequest) -> bool:
    due = request.decide_at is not None and request.decide_at <= request.clock
    return due and request.status == Status.PENDING


def _keep_time() -> None:
    """Note that sweeps run. After a downtime, overdue approvals get a new window to be seen in."""
    SweepClock.objects.bulk_create([SweepClock(pk=SweepClock.ONLY)], ignore_conflicts=True)
    with transaction.atomic():
        clock = SweepClock.objects.select_for_update().annotate(now=Now()).get(pk=SweepClock.ONLY)
        if clock.swept_at is None or clock.now - clock.swept_at > DOWN_AFTER:
            _show_again()
        SweepClock.objects.filter(pk=SweepClock.ONLY).update(swept_at=Now())


def _show_again() -> None:
    overdue = _due().filter(on_deadline=Verb.APPROVE)
    rows = list(overdue.select_for_update().order_by("id").values_list("id", "team_id"))
    if not rows:
        return
    window = timedelta(seconds=settings.AGENTOPS_MIN_VISIBLE_SECONDS)
    told = Concat("reason", Value(SHOWN_AGAIN), output_field=TextField())
    reason = Case(When(Q(reason__endswith=SHOWN_AGAIN), then=F("reason")), default=told)
    shown_again = ApprovalRequest.objects.filter(pk__in=[pk for pk, _ in rows])
    shown_again.update(decide_at=Now() + window, reason=reason)
    for team_id in {team_id for _, team_id in rows}:
        announce(team_id, [pk for pk, team in rows if team == team_id])
    log.warning("no sweep for a while: %d overdue countdowns were started again", len(rows))
