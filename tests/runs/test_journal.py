"""A commit is whole, fenced, one statement, and numbers its events without a gap, whoever else writes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.db.models.functions import Now

from agentops.core.states import WaitingOn
from agentops.engine.interrupts import Pause, Release, Wait
from approvals.actions import decide
from runs import journal, lease
from runs.actions import cancel_run, pause_run, resume_run
from runs.models import Event, ModelCall, Run, Step, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to PostgreSQL, by the wire: nothing that goes past the ORM goes past this."""
    seen: list[str] = []
    with tempfile.NamedTemporaryFile() as log:
        traced: list[Any] = []

        def trace(connection: Any, **_: Any) -> None:
            connection.connection.pgconn.trace(log.fileno())
            traced.append(connection.connection.pgconn)

        connection_created.connect(trace)
        try:
            yield seen
        finally:
            connection_created.disconnect(trace)
            for one in traced:
                one.untrace()
            log.seek(0)
            text = log.read().decode(errors="replace")
            seen += re.findall(r"\tF\t\d+\t(Execute|Query\t \"\w+)", text)


def test_the_steps_of_a_covered_slice_take_one_statement_and_one_read(take: Take) -> None:
    hand = take(make.run())
    for _ in range(2):
        hand.open()
        hand.answer(make.answer("note"))
        hand.settle(*hand.state.calls)
    with statements() as opening:
        hand.open()
    with statements() as answering:
        hand.answer(make.answer("note", "look"))
    assert len(opening) == 1, opening
    assert len(answering) == 2, answering


def test_a_commit_that_fails_leaves_nothing_in_any_table(take: Take) -> None:
    run = make.run()
    hand = take(run)
    step = hand.open()
    before = rows(run)
    change = journal.Change(str(run.pk), hand.lease.fence, steps=1, cost=make.CENT)
    change.event("step.answered", step=1)
    change.opened = [{"number": step.number, "kind": "turn", "input": {}}]  # there is a step of this number
    with pytest.raises(Exception, match="step_number"):
        journal.commit(change)
    assert rows(run) == before


def rows(run: Run) -> list[Any]:
    models = (Event, Step, ToolCall, ModelCall)
    return [Run.objects.filter(pk=run.pk).values().get(), *(list(m.objects.filter(run=run).values()) for m in models)]


def test_events_are_gapless_while_a_worker_and_people_write(take: Take) -> None:
    run = make.run()
    boss = make.admin(run.team)
    hand = take(run)

    def work() -> None:
        for _ in range(10):
            hand.open()
            hand.answer(make.answer(words=" "))

    def people() -> None:
        for _ in range(10):
            pause_run(boss, run.pk)
            resume_run(boss, run.pk)

    assert make.at_once(work, people) == [None, None]
    run.refresh_from_db()
    seqs = list(Event.objects.filter(run=run).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, run.seq + 1))
    heard = [event["seq"] for event in hand.ears.heard]
    assert heard == sorted(heard)
    assert set(heard) <= set(seqs)


def test_two_workers_race_and_exactly_one_wins() -> None:
    run = make.run()
    for turn in range(1, 6):
        results = make.at_once(*(lambda name=name: lease.acquire(str(run.pk), name) for name in "abcd"))
        [won] = [one for one in results if one is not None]
        assert (won.fence, won.recovered) == (turn, turn > 1)
        make.lose_lease(run)


def test_a_lease_is_renewed_and_expires_by_the_databases_clock() -> None:
    run = make.run()
    held = lease.acquire(str(run.pk), "a")
    assert held
    assert lease.acquire(str(run.pk), "b") is None
    make.lose_lease(run)
    assert lease.renew([held]) == []
    assert Run.objects.filter(pk=run.pk, wake_at__gt=Now()).exists()
    make.lose_lease(run)
    assert lease.acquire(str(run.pk), "b")
    assert lease.renew([held]) == [held]


def test_a_heartbeat_that_comes_late_does_not_hold_what_was_handed_over(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.leave(Release())
    assert lease.renew([hand.lease]) == [], "its task is about to end by itself"
    assert lease.acquire(str(run.pk), "b")


def test_cancelling_takes_the_lease() -> None:
    run = make.run()
    held = lease.acquire(str(run.pk), "a")
    assert held
    cancel_run(make.admin(run.team), run.pk)
    assert lease.renew([held]) == [held]


def test_a_heartbeat_brings_the_wish_to_pause_and_one_that_is_taken_back_costs_a_look(take: Take) -> None:
    run = make.run()
    hand = take(run)
    pause_run(make.admin(run.team), run.pk)
    lease.renew([hand.lease])
    assert hand.lease.pause_asked
    resume_run(make.admin(run.team), run.pk)
    hand.leave(Pause())
    run.refresh_from_db()
    assert (run.status, hand.recorder.left_at_once) == ("running", True)


def test_a_decision_while_the_worker_holds_the_run_wakes_it_at_once_when_it_leaves(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("refund"))
    decide(make.admin(run.team), make.request_of(call).pk, decision="approve", revision=1, via="page")
    hand.leave(Wait(WaitingOn.APPROVAL))
    assert hand.recorder.left_at_once
    assert [one.status for one in take(run).state.calls] == ["approved"]


def test_a_run_that_waits_for_nobody_yet_stays_away(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    hand.answer(make.answer("refund"))
    hand.leave(Wait(WaitingOn.APPROVAL))
    assert not hand.recorder.left_at_once
    assert lease.acquire(str(run.pk), "b") is None


def test_statements_are_seen_on_the_wire() -> None:
    connection.close()
    with statements() as seen, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert len(seen) == 1
