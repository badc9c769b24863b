"""Countdowns: they fire when due and not before, never over a person, and never while nobody could look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from agentops.accounts.models import Role
from agentops.core.errors import Conflict
from agentops.core.tools import Tier
from approvals.actions import decide, fire_due_timers, freeze, unfreeze
from approvals.errors import AlreadyDecided
from approvals.models import ApprovalRequest, SweepClock

from . import factories as make
from .factories import Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours():
    return make.team()


@pytest.fixture
def sweeping():
    """Sweeps have been running until now."""
    fire_due_timers()


@pytest.fixture
def down():
    """The last sweep is an hour ago."""
    fire_due_timers()
    SweepClock.objects.update(swept_at=Now() - timedelta(hours=1))


def test_a_due_medium_request_approves_itself(subject: Subject, ours, sweeping) -> None:
    asked = make.overdue(make.request(ours, Tier.MEDIUM))
    assert fire_due_timers() == 1
    asked.refresh_from_db()
    assert (asked.status, asked.decided_via, asked.decided_by, asked.revision) == (
        "approved",
        "timer",
        None,
        2,
    )
    assert asked.history.get().via == "timer"
    assert subject.told == [(asked.subject_id, "approve", "approved")]
    assert fire_due_timers() == 0


def test_a_countdown_that_runs_does_not_fire(subject: Subject, ours, sweeping) -> None:
    asked = make.request(ours, Tier.MEDIUM, seconds=3600)
    assert fire_due_timers() == 0
    asked.refresh_from_db()
    assert asked.status == "pending"
    assert asked.decide_at - timezone.now() > timedelta(minutes=59)


def test_high_and_critical_wait_for_ever(subject: Subject, ours, sweeping) -> None:
    for tier in (Tier.HIGH, Tier.CRITICAL):
        make.overdue(make.request(ours, tier))
    assert fire_due_timers() == 0
    assert ApprovalRequest.objects.pending().count() == 2


def test_high_expires_where_the_rule_says_so(subject: Subject, ours, sweeping) -> None:
    asked = make.overdue(make.request(ours, Tier.HIGH, seconds=60, on_deadline="expire"))
    assert fire_due_timers() == 1
    asked.refresh_from_db()
    assert (asked.status, asked.decision_reason) == ("expired", "Nobody decided before its deadline.")
    assert subject.told == [(asked.subject_id, "expire", "expired")]


def test_a_person_too_late_for_an_expiry_is_told_so_before_the_sweep_came(subject: Subject, ours) -> None:
    asked = make.overdue(make.request(ours, Tier.HIGH, seconds=60, on_deadline="expire"))
    with pytest.raises(AlreadyDecided) as late:
        decide(make.person(Role.APPROVER, of=ours), asked.pk, decision="approve", revision=1, via="page")
    assert (late.value.decision, late.value.decided_by) == ("expire", "the timer")
    assert subject.told == [(asked.subject_id, "expire", "expired")]


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_person_may_decide_an_overdue_medium_request(subject: Subject, ours, sweeping, decision: str) -> None:
    asked = make.overdue(make.request(ours, Tier.MEDIUM))
    decided = decide(make.person(Role.APPROVER, of=ours), asked.pk, decision=decision, revision=1, via="page")
    assert fire_due_timers() == 0
    asked.refresh_from_db()
    assert (asked.status, asked.decided_via) == (decided.status, "page")


def test_a_held_request_does_not_fire(subject: Subject, ours, sweeping) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    decide(make.person(Role.APPROVER, of=ours), asked.pk, decision="hold", revision=1, via="page")
    freeze(make.KIND, [asked.subject_id])
    unfreeze(make.KIND, [asked.subject_id])
    assert fire_due_timers() == 0
    asked.refresh_from_db()
    assert (asked.status, asked.decide_at) == ("pending", None)


def test_after_a_downtime_an_overdue_countdown_is_shown_again(subject: Subject, ours, down, settings) -> None:
    asked = make.overdue(make.request(ours, Tier.MEDIUM), timedelta(minutes=30))
    running = make.request(ours, Tier.MEDIUM, seconds=5)
    assert fire_due_timers() == 0
    for request in (asked, running):
        request.refresh_from_db()
    left = asked.decide_at - timezone.now()
    assert timedelta(0) < left <= timedelta(seconds=settings.AGENTOPS_MIN_VISIBLE_SECONDS)
    assert left > timedelta(seconds=settings.AGENTOPS_MIN_VISIBLE_SECONDS - 30)
    assert (asked.status, asked.revision) == ("pending", 1)
    assert asked.reason.endswith("started again after a downtime")
    assert "downtime" not in running.reason
    make.overdue(asked)
    assert fire_due_timers() == 1


def test_the_first_sweep_ever_counts_as_a_downtime(subject: Subject, ours) -> None:
    make.overdue(make.request(ours, Tier.MEDIUM))
    assert fire_due_timers() == 0


def test_two_downtimes_are_told_once(subject: Subject, ours, down) -> None:
    asked = make.overdue(make.request(ours, Tier.MEDIUM))
    fire_due_timers()
    make.overdue(asked)
    SweepClock.objects.update(swept_at=Now() - timedelta(hours=1))
    fire_due_timers()
    asked.refresh_from_db()
    assert asked.reason.count("downtime") == 1


def test_a_downtime_does_not_keep_an_expiry_open(subject: Subject, ours, down) -> None:
    make.overdue(make.request(ours, Tier.HIGH, seconds=60, on_deadline="expire"))
    assert fire_due_timers() == 1


def test_pausing_keeps_what_was_left_of_the_countdown(subject: Subject, ours, sweeping) -> None:
    asked, other = make.request(ours, Tier.MEDIUM, seconds=200), make.request(ours, Tier.MEDIUM)
    freeze(make.KIND, [asked.subject_id])
    asked.refresh_from_db()
    assert asked.decide_at is None
    assert timedelta(seconds=150) < asked.frozen_for <= timedelta(seconds=200)
    ApprovalRequest.objects.filter(pk=asked.pk).update(frozen_for=timedelta(seconds=100))
    unfreeze(make.KIND, [asked.subject_id])
    asked.refresh_from_db()
    assert asked.frozen_for is None
    assert timedelta(seconds=50) < asked.decide_at - timezone.now() <= timedelta(seconds=100)
    before = other.decide_at
    other.refresh_from_db()
    assert other.decide_at == before


def test_a_countdown_frozen_at_its_end_shows_itself_before_it_fires(subject: Subject, ours, sweeping) -> None:
    asked = make.overdue(make.request(ours, Tier.MEDIUM), timedelta(minutes=5))
    freeze(make.KIND, [asked.subject_id])
    assert fire_due_timers() == 0
    unfreeze(make.KIND, [asked.subject_id])
    assert fire_due_timers() == 0
    asked.refresh_from_db()
    assert timedelta(0) < asked.decide_at - timezone.now() <= timedelta(seconds=10)


def test_people_decide_a_frozen_request(subject: Subject, ours) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    freeze(make.KIND, [asked.subject_id])
    decide(make.person(Role.APPROVER, of=ours), asked.pk, decision="approve", revision=1, via="page")
    unfreeze(make.KIND, [asked.subject_id])
    asked.refresh_from_db()
    assert (asked.status, asked.decide_at, asked.frozen_for) == ("approved", None, None)


def test_what_the_timer_may_not_approve_waits_for_a_person(subject: Subject, ours, sweeping) -> None:
    """The call is no longer what was shown: the countdown ends without a decision, and the others fire."""
    asked = make.overdue(make.request(ours, Tier.MEDIUM))
    refusals = iter([Conflict("The call changed.")])
    told = subject.on_decided

    def refuse_once(request, decision) -> None:
        if request.pk == asked.pk and (refusal := next(refusals, None)):
            raise refusal
        told(request, decision)

    subject.on_decided = refuse_once  # type: ignore[method-assign]
    other = make.overdue(make.request(ours, Tier.MEDIUM))
    assert fire_due_timers() == 1
    asked.refresh_from_db()
    other.refresh_from_db()
    assert (asked.status, asked.decide_at, other.status) == ("pending", None, "approved")
    assert "The call changed." in asked.history.get().reason


def test_one_broken_request_does_not_keep_the_others_from_their_time(subject: Subject, ours, sweeping) -> None:
    broken = make.overdue(make.request(ours, Tier.MEDIUM), timedelta(minutes=1))
    fine = make.overdue(make.request(ours, Tier.MEDIUM))
    ApprovalRequest.objects.filter(pk=broken.pk).update(subject_kind="unknown")
    assert fire_due_timers() == 1
    fine.refresh_from_db()
    assert fine.status == "approved"
