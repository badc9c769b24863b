"""A pause asked for while a run is on its way to waiting is kept; a run that ends leaves no request open."""

from __future__ import annotations

import pytest

from agentops.core.states import StopReason, WaitingOn
from agentops.engine.interrupts import End, Interrupt, Release, Wait
from runs.actions import pause_run, resume_run
from runs.models import Event, Run, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("why", [Wait(WaitingOn.APPROVAL), Wait(WaitingOn.BUDGET, 2.0), Release()])
def test_a_run_that_leaves_after_a_pause_was_asked_for_is_paused(take: Take, why: Interrupt) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    pause_run(make.admin(run.team), run.pk)
    [call] = hand.answer(make.answer("mail"))
    hand.leave(why)
    run.refresh_from_db()
    assert (run.status, run.waiting_on, run.wake_at, run.pause_requested) == ("paused", "", None, False)
    assert (run.slice_drawn, run.held_usd) == (0, 0)
    frozen = make.request_of(call)
    assert frozen.decide_at is None
    assert frozen.frozen_for is not None
    last = Event.objects.filter(run=run).latest("seq")
    assert (last.kind, last.data["status"], last.seq) == ("run.changed", "paused", run.seq)

    resume_run(make.admin(run.team), run.pk)
    assert make.request_of(call).decide_at is not None
    assert take(run).state.calls


def test_a_run_that_fails_closes_the_requests_of_its_calls(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("refund"))
    hand.leave(End(StopReason.ERROR, detail="A tool is gone."))
    assert make.request_of(call).status == "cancelled"
    assert ToolCall.objects.get(run=run).status == "cancelled"
    assert Run.objects.get(pk=run.pk).status == "failed"
