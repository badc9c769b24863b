"""A decision changes the call, its run and the run's events together, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.errors import Conflict
from agentops.core.states import WaitingOn
from agentops.engine.interrupts import Pause, Wait
from approvals.actions import decide, fire_due_timers
from approvals.models import ApprovalRequest, Decision
from runs import lease
from runs.actions import cancel_run, pause_run, resume_run
from runs.models import Event, Run, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(take: Take, *tools: str) -> tuple[Run, list[Any]]:
    run = make.run()
    hand = take(run)
    hand.open()
    calls = hand.answer(make.answer(*tools))
    hand.leave(Wait(WaitingOn.APPROVAL))
    return run, calls


def say(run: Run, call: Any, decision: str, **more: str) -> ApprovalRequest:
    request = make.request_of(call)
    return decide(make.admin(run.team), request.pk, decision=decision, revision=request.revision, via="page", **more)


def status(call: Any) -> str:
    return ToolCall.objects.get(pk=call.id).status


def test_an_approval_wakes_the_run_in_the_same_commit(take: Take) -> None:
    run, [call] = waiting(take, "refund")
    assert lease.acquire(str(run.pk), "early") is None
    say(run, call, "approve")
    hand = take(run)
    hand.do(hand.recorder.start_calls(hand.state))
    assert status(call) == "executing"
    last = Event.objects.filter(run=run, kind="call.changed").values_list("data__status", flat=True)
    assert list(last)[-2:] == ["approved", "executing"]


def test_a_call_that_is_not_what_was_shown_is_not_decided(take: Take) -> None:
    run, [call] = waiting(take, "refund")
    ToolCall.objects.filter(pk=call.id).update(bound_hash="0" * 64)
    events = Event.objects.filter(run=run).count()
    with pytest.raises(Conflict, match="not what this request shows"):
        say(run, call, "approve")
    request = make.request_of(call)
    assert (request.status, request.revision, status(call)) == ("pending", 1, "held")
    assert not Decision.objects.filter(request=request).exists()
    assert Event.objects.filter(run=run).count() == events
    assert lease.acquire(str(run.pk), "woken") is None


def test_one_rejection_leaves_approved_siblings(take: Take) -> None:
    run, [first, second, third] = waiting(take, "refund", "refund", "refund")
    say(run, first, "approve")
    say(run, second, "reject", reason="Too much.")
    assert [status(call) for call in (first, second, third)] == ["approved", "rejected", "held"]
    hand = take(run)
    hand.do(hand.recorder.start_calls(hand.state))
    assert [status(call) for call in (first, second, third)] == ["executing", "rejected", "held"]


def test_rejection_expiry_deed_and_cancel_are_told_apart(take: Take) -> None:
    run, [rejected, expired, done] = waiting(take, "refund", "refund", "erase")
    say(run, rejected, "reject", reason="Too much.")
    fire_due_timers()
    request = make.request_of(expired)
    ApprovalRequest.objects.filter(pk=request.pk).update(on_deadline="expire", decide_at=run.created_at)
    assert fire_due_timers() == 1
    say(run, done, "done", outcome="Erased by hand.")
    rows = ToolCall.objects.filter(run=run).order_by("position")
    assert [row.status for row in rows] == ["rejected", "expired", "done_by_person"]
    for row, words in zip(rows, ["Too much.", "Nobody decided in time", "Erased by hand."], strict=True):
        assert words in row.result_text
        assert sum(words in other.result_text for other in rows) == 1
    assert [row.result["status"] for row in rows] == ["error", "error", "ok"]


def test_a_cancelled_run_closes_its_requests_and_decides_nothing_later(take: Take) -> None:
    run, [held, approved] = waiting(take, "refund", "refund")
    say(run, approved, "approve")
    cancel_run(make.admin(run.team), run.pk)
    assert [status(held), status(approved)] == ["cancelled", "cancelled"]
    assert make.request_of(held).status == "cancelled"
    with pytest.raises(Conflict):
        say(run, held, "approve")
    assert status(held) == "cancelled"


def test_pausing_stops_the_countdown_and_resuming_lets_it_run_on(take: Take) -> None:
    run, [call] = waiting(take, "mail")
    boss = make.admin(run.team)
    pause_run(boss, run.pk)
    frozen = make.request_of(call)
    assert frozen.decide_at is None
    assert frozen.frozen_for is not None
    resume_run(boss, run.pk)
    thawed = make.request_of(call)
    assert thawed.decide_at is not None
    assert thawed.frozen_for is None


def test_a_decision_while_paused_stands_and_does_not_wake(take: Take) -> None:
    run, [call] = waiting(take, "refund")
    boss = make.admin(run.team)
    pause_run(boss, run.pk)
    say(run, call, "approve")
    assert (status(call), Run.objects.get(pk=run.pk).status) == ("approved", "paused")
    assert lease.acquire(str(run.pk), "early") is None
    resume_run(boss, run.pk)
    assert [one.status for one in take(run).state.calls] == ["approved"]


def test_a_pause_taken_back_before_the_boundary_is_no_pause(take: Take) -> None:
    run = make.run()
    boss = make.admin(run.team)
    hand = take(run)
    pause_run(boss, run.pk)
    resume_run(boss, run.pk)
    hand.leave(Pause())
    assert Run.objects.get(pk=run.pk).status == "running"
    assert hand.recorder.left_at_once
    take(run)
