"""A worker dies, stalls or is stopped in mid-call: the next goes on, every bill is paid once, nothing is stuck."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, LeaseLost
from agentops.core.messages import user
from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.engine.interrupts import End, Release, Wait
from agentops.engine.state import Opening
from runs import loading, sweep
from runs.actions import cancel_run, resolve_in_doubt
from runs.late import ORPHANED_AFTER
from runs.models import Event, ModelCall, Run, Step, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_next_worker_bills_what_was_lost_as_an_estimate(take: Take) -> None:
    run = make.run()
    take(run).open()
    make.lose_lease(run)
    hand = take(run)
    hand.reopen()
    hand.finish()
    run.refresh_from_db()
    assert list(ModelCall.objects.filter(run=run).values_list("error_kind", "estimated")) == [
        ("abandoned", True),
        ("", False),
    ]
    assert (run.status, run.cost_usd, run.held_usd) == ("succeeded", make.CENT * 3 / 2, 0)
    assert Step.objects.get(run=run).cost_usd == run.cost_usd


def test_a_stalled_worker_does_not_undo_the_step_another_took_over(take: Take) -> None:
    run = make.run()
    stalled = take(run)
    stalled.open()
    make.lose_lease(run)
    hand = take(run)
    hand.reopen()
    stalled.late([make.bill()])
    hand.finish()
    step = Step.objects.get(run=run)
    assert (step.status, step.output[0]["text"]) == ("answered", "Done.")
    assert ModelCall.objects.filter(run=run).count() == 2


def test_a_worker_that_was_cut_off_pays_and_the_next_goes_on(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    hand.late([make.bill("0.004")])
    run.refresh_from_db()
    assert (run.held_usd, run.cost_usd) == (0, make.Decimal("0.004"))
    again = take(run)
    assert again.state.interrupted is not None
    again.reopen()
    again.finish()
    run.refresh_from_db()
    assert Step.objects.get(run=run).status == "answered"
    assert run.cost_usd == make.Decimal("0.014")


@pytest.mark.parametrize(
    "why", [End(StopReason.ERROR, detail="It was tried too often."), Wait(WaitingOn.BUDGET), Release()]
)
def test_a_run_that_leaves_with_its_step_open_still_pays_for_the_lost_call(take: Take, why: object) -> None:
    run = make.run()
    take(run).open()
    make.lose_lease(run)
    take(run).leave(why)  # type: ignore[arg-type]
    run.refresh_from_db()
    assert (run.cost_usd, run.held_usd) == (make.Decimal("0.005"), 0)
    assert ModelCall.objects.filter(run=run).count() == 1
    assert Step.objects.get(run=run).status == ("abandoned" if run.is_final else "calling")


def test_a_run_that_fails_inside_leaves_no_open_step(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    hand.leave(End(StopReason.ERROR))
    run.refresh_from_db()
    assert (Step.objects.get(run=run).status, run.held_usd) == ("abandoned", 0)
    assert run.cost_usd > 0


def test_cancelling_a_run_that_waits_for_another_try_closes_its_step(take: Take) -> None:
    run = make.run()
    hand = take(run)
    step = hand.open()
    hand.do(hand.recorder.fail_step(hand.state, step, [make.bill()], "down", Wait(WaitingOn.BACKOFF, 10.0)))
    cancel_run(make.admin(run.team), run.pk)
    assert Step.objects.get(run=run).status == "abandoned"


def test_the_bill_of_a_cancelled_call_that_had_been_taken_over_is_the_real_one(take: Take) -> None:
    run = make.run()
    take(run).open()
    make.lose_lease(run)
    hand = take(run)
    hand.reopen()
    cancel_run(make.admin(run.team), run.pk)
    hand.late([make.bill("0.007")])
    run.refresh_from_db()
    assert (run.cost_usd, run.held_usd, run.slice_drawn) == (make.Decimal("0.012"), 0, 0)
    assert Step.objects.get(run=run).status == "abandoned"


def executing(take: Take, *tools: str) -> tuple[Run, make.Hand]:
    run = make.run()
    hand = take(run)
    hand.open()
    hand.answer(make.answer(*tools))
    return run, hand


def test_a_call_of_a_dead_worker_is_loaded_as_stale(take: Take) -> None:
    run, _ = executing(take, "note")
    make.lose_lease(run)
    [call] = take(run).state.calls
    assert (call.status, call.stale, call.idempotent) == (CallStatus.EXECUTING, True, False)


def test_a_call_that_runs_again_belongs_to_the_lease_that_runs_it(take: Take) -> None:
    run, first = executing(take, "look")
    make.lose_lease(run)
    second = take(run)
    second.do(second.recorder.start_calls(second.state))
    [call] = second.state.calls
    assert not call.stale
    first.late([], *make.settled(*first.state.calls, status="failed"))
    assert ToolCall.objects.get(run=run).status == "executing"
    cancel_run(make.admin(run.team), run.pk)
    second.late([], *make.settled(call))
    assert ToolCall.objects.get(run=run).status == "succeeded"


def test_a_late_word_on_a_call_in_doubt_lets_the_run_go_on(take: Take) -> None:
    run, first = executing(take, "note")
    make.lose_lease(run)
    second = take(run)
    [call] = second.state.calls
    call.status = CallStatus.IN_DOUBT
    second.leave(Wait(WaitingOn.IN_DOUBT), [call])
    first.late([], *make.settled(*first.state.calls))
    assert ToolCall.objects.get(run=run).status == "succeeded"
    [told] = take(run).state.calls
    assert told.result is not None
    assert told.result.ok


def test_what_only_read_when_its_run_was_cancelled_needs_nobody(take: Take) -> None:
    run, hand = executing(take, "look", "note")
    _, note = hand.state.calls
    cancel_run(make.admin(run.team), run.pk)
    hand.late([], *make.settled(note))
    assert list(ToolCall.objects.filter(run=run).values_list("status", flat=True)) == ["failed", "succeeded"]


def orphaned(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(ended_at=Now() - ORPHANED_AFTER * 2)


def test_an_orphan_is_billed_an_estimate_and_asks_about_its_effects(take: Take) -> None:
    run = make.run()
    limit = make.budget(10, run.team)
    hand = take(run)
    hand.open("0.5")
    cancel_run(make.admin(run.team), run.pk)
    assert make.account(limit).held == make.Decimal("0.5")
    assert sweep.settle_orphans() == 0, "its worker may still say"
    orphaned(run)
    assert sweep.settle_orphans() == 1
    run.refresh_from_db()
    paid = ModelCall.objects.get(run=run)
    assert paid.estimated
    assert (make.account(limit).held, make.account(limit).spent, run.cost_usd) == (0, paid.cost_usd, paid.cost_usd)
    assert sweep.settle_orphans() == 0

    run, _ = executing(take, "note", "look")
    cancel_run(make.admin(run.team), run.pk)
    orphaned(run)
    assert sweep.settle_orphans() == 1
    assert list(ToolCall.objects.filter(run=run).values_list("status", flat=True)) == ["in_doubt", "failed"]


def test_an_ended_runs_call_in_doubt_can_be_settled_but_not_done(take: Take) -> None:
    run, _ = executing(take, "note")
    cancel_run(make.admin(run.team), run.pk)
    orphaned(run)
    sweep.settle_orphans()
    call = ToolCall.objects.get(run=run)
    decider = make.person(run.team, Role.APPROVER)
    with pytest.raises(Conflict, match="has ended"):
        resolve_in_doubt(decider, call.pk, "do_it_now")
    assert resolve_in_doubt(decider, call.pk, "happened").status == "succeeded"


def test_a_worker_whose_lease_another_holds_writes_nothing(take: Take) -> None:
    run, first = executing(take, "note")
    make.lose_lease(run)
    take(run)
    before = snapshot(run)
    for attempt in (
        lambda: first.do(first.recorder.open_step(first.state, [], Opening(user("Next")), make.CENT, [])),
        lambda: first.settle(*first.state.calls),
        lambda: first.do(first.recorder.start_calls(first.state)),
        lambda: first.leave(End(StopReason.ANSWERED, "mine")),
        lambda: first.leave(Release()),
    ):
        with pytest.raises(LeaseLost):
            attempt()
        assert snapshot(run) == before


def snapshot(run: Run) -> list[object]:
    """Every row of the run, in every table."""
    tables = (
        Run.objects.filter(pk=run.pk),
        Event.objects.filter(run=run),
        *(model.objects.filter(run=run).order_by("pk") for model in (Step, ToolCall, ModelCall)),
    )
    return [list(rows.values()) for rows in tables]


def test_a_reloaded_run_says_the_same_as_the_one_in_memory(take: Take) -> None:
    run, hand = executing(take, "note", "look")
    hand.open(done=make.settled(*hand.state.calls))
    hand.answer(make.answer("refund", words="Shall I?"))
    fresh, _ = loading.load(str(run.pk), hand.lease.fence)
    for name in ("messages", "steps", "tool_calls", "tokens", "cost_usd", "tainted_by", "step_id"):
        assert getattr(fresh, name) == getattr(hand.state, name), name
    [ours], [theirs] = hand.state.calls, fresh.calls
    for name in ("id", "status", "arguments", "bound_hash", "effect", "tier", "stale"):
        assert getattr(ours, name) == getattr(theirs, name), name
