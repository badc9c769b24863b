"""A program waits for a decision in one request, and holds nothing meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from agentops.accounts.access import Actor
from agentops.accounts.models import Membership, Role
from approvals.actions import decide
from approvals.api import waiting
from approvals.models import ApprovalRequest

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked() -> ApprovalRequest:
    return factories.held(factories.run(factories.agent(factories.team())))


def waiter(asked: ApprovalRequest) -> Any:
    return factories.caller(factories.person(asked.team, Role.VIEWER), "approvals:read")


@contextmanager
def once_somebody_waits(deed: Any) -> Iterator[Future[Any]]:
    """Does it on a thread of its own as soon as a request waits."""

    def job() -> Any:
        try:
            until = time.monotonic() + 30
            while not any(room._waiting for room in list(waiting._rooms.values())):
                assert time.monotonic() < until, "nobody came to wait"
                time.sleep(0.01)
            return deed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(job)


def test_who_waits_gets_the_decision_when_it_is_made(asked: ApprovalRequest) -> None:
    person = Actor(factories.person(asked.team, Role.APPROVER))
    client = waiter(asked)
    with once_somebody_waits(lambda: decide(person, asked.pk, decision="reject", revision=1, via="page")) as done:
        shown = client.get(f"/api/approvals/{asked.pk}?wait=30").json()
        done.result()
    assert (shown["status"], shown["decided_by"]) == ("rejected", str(person))
    assert [each["decision"] for each in shown["history"]] == ["reject"]


def test_an_approval_that_can_still_be_taken_back_is_waited_out(asked: ApprovalRequest, settings: Any) -> None:
    """Who acted on it at once would act on what was taken back."""
    ApprovalRequest.objects.filter(pk=asked.pk).update(
        status="approved", decided_at=timezone.now(), takes_effect_at=timezone.now() + timedelta(hours=1)
    )
    client = waiter(asked)
    assert client.get(f"/api/approvals/{asked.pk}?wait=0.1").json()["status"] == "approved"
    effective = ApprovalRequest.objects.filter(pk=asked.pk)
    with once_somebody_waits(lambda: effective.update(takes_effect_at=timezone.now())) as done:
        shown = client.get(f"/api/approvals/{asked.pk}?wait=30").json()
        done.result()
    assert shown["takes_effect_at"] <= timezone.now().isoformat()


def test_when_the_time_is_up_it_says_how_things_stand(asked: ApprovalRequest) -> None:
    assert waiter(asked).get(f"/api/approvals/{asked.pk}?wait=0.1").json()["status"] == "pending"


def test_no_connection_is_held_while_waiting(asked: ApprovalRequest) -> None:
    """The look at the rows, four times a second, may be seen at work; what is held is held however often we look."""
    client, others = waiter(asked), [1]

    def look() -> None:
        until = time.monotonic() + 10
        with connection.cursor() as cursor:
            while others[-1] and time.monotonic() < until:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                               " AND backend_type = 'client backend'"
                               " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()")  # fmt: skip
                others.append(cursor.fetchone()[0])
                time.sleep(0.01)
        ApprovalRequest.objects.filter(pk=asked.pk).delete()

    with once_somebody_waits(look) as done:
        assert_problem(client.get(f"/api/approvals/{asked.pk}?wait=30"), 404)
        done.result()
    assert others[-1] == 0


def test_who_loses_the_role_while_waiting_sees_nothing_more(asked: ApprovalRequest) -> None:
    client = waiter(asked)

    def lose() -> None:
        Membership.objects.filter(role=Role.VIEWER).delete()
        ApprovalRequest.objects.filter(pk=asked.pk).update(status="rejected", decided_at=timezone.now())

    with once_somebody_waits(lose) as done:
        assert_problem(client.get(f"/api/approvals/{asked.pk}?wait=30"), 404)
        done.result()


@pytest.mark.parametrize("seconds", ["-1", "61", "long", "nan", "1e400"])
def test_a_wait_that_cannot_be_names_its_field(asked: ApprovalRequest, seconds: str) -> None:
    assert_problem(waiter(asked).get(f"/api/approvals/{asked.pk}?wait={seconds}"), 422, "wait")
