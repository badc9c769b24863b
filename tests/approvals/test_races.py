"""Two at once: exactly one wins, and the other is told who, when and what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from agentops.accounts.models import Role
from agentops.core.tools import Tier
from approvals import subjects
from approvals.actions import close_requests, decide, fire_due_timers
from approvals.errors import AlreadyDecided
from approvals.models import ApprovalRequest, Decision

from . import factories as make
from .factories import Subject

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action returned or raised, started together on connections of their own."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[number] = action()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_people_at_once(subject: Subject) -> None:
    ours = make.team()
    ada, bob = (make.person(Role.APPROVER, of=ours) for _ in range(2))
    for _ in range(10):
        asked = make.request(ours)
        results = at_once(
            lambda pk=asked.pk: decide(ada, pk, decision="approve", revision=1, via="page"),
            lambda pk=asked.pk: decide(bob, pk, decision="reject", revision=1, via="api"),
        )
        [winner] = [result for result in results if isinstance(result, ApprovalRequest)]
        [loser] = [result for result in results if isinstance(result, AlreadyDecided)]
        asked.refresh_from_db()
        assert asked.status == winner.status
        assert (loser.decided_by, loser.decided_at) == (asked.decided_by_name, asked.decided_at)
        assert loser.decision == {"approved": "approve", "rejected": "reject"}[asked.status]
        assert Decision.objects.filter(request=asked).count() == 1
    assert len(subject.told) == 10


def test_a_person_against_the_timer(subject: Subject) -> None:
    ours = make.team()
    ada = make.person(Role.APPROVER, of=ours)
    fire_due_timers()
    for _ in range(10):
        asked = make.overdue(make.request(ours, Tier.MEDIUM))
        person, fired = at_once(
            lambda pk=asked.pk: decide(ada, pk, decision="reject", revision=1, via="page"), fire_due_timers
        )
        asked.refresh_from_db()
        if fired:
            assert isinstance(person, AlreadyDecided)
            assert (person.decided_by, person.decision, asked.status) == ("the timer", "approve", "approved")
        else:
            assert (person.status, asked.status) == ("rejected", "rejected")
        assert Decision.objects.filter(request=asked).count() == 1
    assert len(subject.told) == 10


def test_two_sweeps_at_once_fire_each_timer_once(subject: Subject) -> None:
    ours = make.team()
    fire_due_timers()
    asked = [make.overdue(make.request(ours, Tier.MEDIUM)) for _ in range(10)]
    assert sum(at_once(fire_due_timers, fire_due_timers, fire_due_timers)) == 10
    assert sorted(told[0] for told in subject.told) == sorted(request.subject_id for request in asked)


def test_a_person_who_waited_behind_a_cancelled_run_is_told_so() -> None:
    """While its run's lock is held the requests are closed; the decision waits at that lock."""
    ours = make.team()
    ada = make.person(Role.APPROVER, of=ours)
    asked = make.request(ours)
    may_lock = threading.Event()
    arrived = threading.Event()

    class WaitsAtTheLock(Subject):
        def lock(self, subject_id: str) -> None:
            arrived.set()
            assert may_lock.wait(30)

    subjects.register(make.KIND, WaitsAtTheLock())

    def cancel() -> int:
        assert arrived.wait(30)
        try:
            with transaction.atomic():
                return close_requests(make.KIND, [asked.subject_id], "Bob cancelled the run.")
        finally:
            may_lock.set()

    late, closed = at_once(lambda: decide(ada, asked.pk, decision="approve", revision=1, via="page"), cancel)
    assert closed == 1
    assert isinstance(late, AlreadyDecided)
    assert late.decision == "cancel"
