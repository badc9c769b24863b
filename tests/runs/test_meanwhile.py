"""What a person, a worker and a sweep do at the same moment: none undoes or misses what another did."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from agentops.core.errors import Conflict
from agentops.core.states import CallStatus, WaitingOn
from agentops.engine.interrupts import Release, Wait
from approvals.actions import ask, decide
from runs import late, lease, sweep
from runs.actions import (
    budgets,
    delete_budget,
    hand_back,
    pause_run,
    resume_run,
    save_budget,
    take_over,
    undo_call,
    undoing,
)
from runs.models import Budget, Run, ToolCall

from . import factories as make
from .conftest import Take
from .test_undoing import ended, refund

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pause_asked_for_while_nobody_holds_the_run_is_heeded_before_the_next_step(take: Take) -> None:
    run = make.run()
    take(run).leave(Release())
    pause_run(make.admin(run.team), run.pk)
    held = lease.acquire(str(run.pk), "another")
    assert held
    assert held.pause_asked


def test_a_heartbeat_that_read_before_a_pause_does_not_forget_it() -> None:
    run = make.run()
    held = lease.acquire(str(run.pk), "a")
    assert held
    held.pause_asked = True  # the order has come; this heartbeat's statement began before it
    lease.renew([held])
    assert held.pause_asked


def medium(take: Take) -> tuple[Run, make.Hand, ToolCall]:
    """At work, with a call whose countdown runs."""
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("mail"))
    return run, hand, ToolCall.objects.get(pk=call.id)


def test_a_question_about_a_frozen_countdown_holds_it(take: Take) -> None:
    run, hand, call = medium(take)
    hand.leave(Wait(WaitingOn.APPROVAL))
    boss = make.admin(run.team)
    pause_run(boss, run.pk)
    ask(boss, make.request_of(call.pk).pk, question="Why him?")
    resume_run(boss, run.pk)
    request = make.request_of(call.pk)
    assert (request.status, request.decide_at, request.frozen_for) == ("pending", None, None)


def test_what_was_begun_before_a_run_was_taken_over_is_finished_when_it_is_approved(take: Take) -> None:
    run, hand, call = medium(take)
    boss = make.admin(run.team)
    take_over(boss, run.pk)
    hand.leave(Wait(WaitingOn.APPROVAL))
    run.refresh_from_db()
    assert run.status == "paused"
    request = make.request_of(call.pk)
    decide(boss, request.pk, decision="approve", revision=request.revision, via="page")
    run.refresh_from_db()
    assert (run.status, run.taken_over_by) == ("queued", str(boss))
    [again] = take(run).state.calls
    assert again.status is CallStatus.APPROVED


def test_a_countdown_goes_on_when_a_paused_run_is_handed_back_before_it_stood_still(take: Take) -> None:
    run, hand, call = medium(take)
    boss = make.admin(run.team)
    pause_run(boss, run.pk)
    take_over(boss, run.pk)
    hand_back(boss, run.pk)
    hand.leave(Wait(WaitingOn.APPROVAL))
    run.refresh_from_db()
    request = make.request_of(call.pk)
    assert (run.status, request.frozen_for) == ("waiting", None)
    assert request.decide_at


# ── budgets ────────────────────────────────────────────────────────────────────────────────────


def test_two_changes_of_one_budget_are_both_kept() -> None:
    boss = make.admin(make.team())
    team = boss.user.memberships.get().team
    pk = make.budget(25, team).pk
    mine, theirs = Budget.objects.get(pk=pk), Budget.objects.get(pk=pk)
    theirs.limit_usd = Decimal(40)
    save_budget(boss, theirs)
    mine.warn_percent = 50
    save_budget(boss, mine)
    stands = Budget.objects.get(pk=pk)
    assert (stands.limit_usd, stands.warn_percent) == (40, 50)


def test_who_changes_what_somebody_has_just_changed_is_told() -> None:
    boss = make.admin(make.team())
    pk = make.budget(25, boss.user.memberships.get().team).pk
    mine, theirs = Budget.objects.get(pk=pk), Budget.objects.get(pk=pk)
    for limit in (40, 45):
        theirs.limit_usd = Decimal(limit)
        save_budget(boss, theirs)
    mine.limit_usd = Decimal(30)
    with pytest.raises(Conflict, match="just changed"):
        save_budget(boss, mine)
    assert Budget.objects.get(pk=pk).limit_usd == 45


def test_a_deleted_budget_does_not_come_back_by_a_change() -> None:
    boss = make.admin(make.team())
    pk = make.budget(25, boss.user.memberships.get().team).pk
    mine = Budget.objects.get(pk=pk)
    delete_budget(boss, Budget.objects.get(pk=pk))
    mine.limit_usd = Decimal(30)
    with pytest.raises(Conflict, match="just deleted"):
        save_budget(boss, mine)
    assert not Budget.objects.exists()


@pytest.mark.parametrize("deed", ["raise", "delete"])
def test_a_run_that_was_refused_while_a_budget_was_being_changed_goes_on(deed: str, monkeypatch: Any) -> None:
    run = make.run()
    limit = make.budget("0.1", run.team)

    def refused_meanwhile(*_: Any) -> None:
        waiting = {"status": "waiting", "waiting_on": "budget", "wake_at": None}
        Run.objects.filter(pk=run.pk).update(**waiting)

    monkeypatch.setattr(budgets, "_keep", refused_meanwhile)
    limit.limit_usd = Decimal(10)
    save_budget(make.admin(run.team), limit) if deed == "raise" else delete_budget(make.admin(run.team), limit)
    assert Run.objects.filter(pk=run.pk, wake_at__lte=Now()).exists()


# ── taking back, sweeping ──────────────────────────────────────────────────────────────────────


def test_what_a_run_that_goes_on_is_about_to_take_back_is_not_taken_back_by_another(monkeypatch: Any) -> None:
    run, who = ended()
    call = refund(run, 1)
    one = undo_call(who, call.pk)
    monkeypatch.setattr(undoing, "is_taken", lambda *_: False)  # it had failed when that was looked at
    with pytest.raises(Conflict, match="Somebody was first"):
        undo_call(who, call.pk)
    one.refresh_from_db()
    assert [order["undoes"] for order in one.orders] == [call.pk]


def test_the_sweep_gives_up_nothing_of_a_run_that_has_just_been_let_go_on(take: Take, monkeypatch: Any) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    hand.answer(make.answer("note"))
    monkeypatch.setattr(late, "orphans", lambda: [run])  # it had ended when they were listed
    sweep.settle_orphans()
    assert ToolCall.objects.get(run=run).status == "executing"
