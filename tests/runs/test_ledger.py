"""Budgets: what is drawn, refused and given back, one by one and all at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from agentops.core.errors import BudgetRefused
from runs import ledger
from runs.actions import delete_budget
from runs.models import Account, Budget, BudgetChange
from tests.acceptance.stack import eventually

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)

NEED = Decimal("0.01")


def draw(team_id: int, need: Decimal = NEED, *ends: object) -> ledger.Slice:
    with transaction.atomic():
        return ledger.draw(team_id, need, *ends)  # type: ignore[arg-type]


def money(of: Budget) -> tuple[Decimal, Decimal]:
    account = make.account(of)
    return account.held, account.spent


def test_a_slice_holds_a_few_steps_in_every_budget_above() -> None:
    ours = make.team()
    budgets = [make.budget(1, ours), make.budget(1), make.budget(1, ours, "month")]
    theirs = make.budget(1, make.team())
    drawn = draw(ours.pk)
    assert drawn.amount == NEED * ledger.SLICE_STEPS
    assert [money(one) for one in budgets] == [(drawn.amount, 0)] * 3
    assert not theirs.accounts.exists()


def test_a_slice_takes_what_is_left_but_at_least_a_step() -> None:
    ours = make.team()
    only = make.budget("0.05", ours)
    assert [draw(ours.pk).amount for _ in range(2)] == [NEED * 4, NEED]
    with pytest.raises(BudgetRefused, match="held by other runs") as refused:
        draw(ours.pk)
    assert not refused.value.spent
    assert money(only) == (Decimal("0.05"), 0)


def test_what_is_spent_is_refused_as_spent() -> None:
    ours = make.team()
    only = make.budget("0.05", ours)
    drawn = draw(ours.pk)
    ledger.give_back(drawn.accounts, drawn.amount, Decimal("0.045"))
    assert money(only) == (0, Decimal("0.045"))
    with pytest.raises(BudgetRefused, match="used up") as refused:
        draw(ours.pk)
    assert refused.value.spent


def test_a_refusal_keeps_the_slice_that_was_to_end() -> None:
    ours = make.team()
    only = make.budget("0.05", ours)
    drawn = draw(ours.pk)
    with pytest.raises(BudgetRefused):
        draw(ours.pk, Decimal(1), drawn, Decimal("0.02"))
    assert money(only) == (drawn.amount, 0)


def test_another_day_has_its_own_account() -> None:
    ours = make.team()
    daily, monthly = make.budget("0.04", ours), make.budget(1, ours, "month")
    first = draw(ours.pk)
    daily.accounts.update(starts_on=F("starts_on") - timedelta(days=1))
    second = draw(ours.pk, NEED, first, Decimal("0.03"))
    days = Account.objects.filter(budget=daily).order_by("starts_on").values_list("held", "spent")
    assert list(days) == [(0, Decimal("0.03")), (second.amount, 0)]
    assert money(monthly) == (second.amount, Decimal("0.03"))


def test_a_wrong_clock_spends_nothing_of_another_day(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make.team()
    daily = make.budget("0.04", ours)
    right = make.account(daily).starts_on if draw(ours.pk) else None
    wrong = timezone.now() + timedelta(hours=26)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    with pytest.raises(BudgetRefused) as refused:
        draw(ours.pk)
    assert make.account(daily).starts_on == right
    assert 0 < refused.value.renews_in <= 25 * 3600


def test_many_at_once_never_overshoot_and_never_deadlock() -> None:
    """Each thread spends slice after slice; two teams share the budget for everything."""
    teams = [make.team(), make.team()]
    budgets = [make.budget("0.5", teams[0]), make.budget("0.5", teams[1]), make.budget("0.6")]

    def spend(team_id: int) -> Decimal:
        total = Decimal(0)
        while True:
            try:
                held = draw(team_id)
            except BudgetRefused as refused:
                if refused.spent:
                    return total
                continue
            ledger.give_back(held.accounts, held.amount, held.amount)
            total += held.amount

    spent = make.at_once(*(lambda pk=teams[n % 2].pk: spend(pk) for n in range(16)))
    assert all(isinstance(one, Decimal) for one in spent), spent
    everything = make.account(budgets[2])
    assert everything.spent == sum(spent) == Decimal("0.6")
    assert everything.held == 0
    assert all(make.account(one).spent <= one.limit_usd for one in budgets)


def test_a_new_team_budget_among_running_slices_does_not_deadlock() -> None:
    """Those who held only "everything" now need the team's account as well, in the same order as newcomers."""
    ours = make.team()
    make.budget(100)
    slices = [draw(ours.pk) for _ in range(8)]
    make.budget(100, ours)

    def again(held: ledger.Slice) -> None:
        for _ in range(10):
            held = draw(ours.pk, NEED, held, NEED)

    results = make.at_once(*(lambda held=held: again(held) for held in [*slices, *[ledger.NOTHING] * 8]))
    assert results == [None] * 16


def test_steps_within_a_slice_touch_no_account(take: Take) -> None:
    run = make.run()
    limit = make.budget(1, run.team)
    hand = take(run)
    for number in range(ledger.SLICE_STEPS):
        hand.open(NEED)
        assert money(limit) == (NEED * 4, 0), number
        hand.answer(make.answer(words=" "))
    hand.open(NEED)
    assert money(limit) == (NEED * 4, NEED * 4)
    hand.finish()
    assert money(limit) == (0, NEED * 5)


def test_a_budget_made_under_way_binds_the_next_slice(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open(NEED)
    hand.answer(make.answer(words=" "))
    make.budget(0, run.team)
    with pytest.raises(BudgetRefused):
        for _ in range(ledger.SLICE_STEPS + 1):
            hand.open(NEED)
            hand.answer(make.answer(words=" "))


def test_an_agent_and_a_person_have_budgets_of_their_own() -> None:
    ours = make.team()
    mine, other = make.agent(ours), make.agent(ours)
    ada = make.admin(ours)
    budgets = [
        Budget.objects.create(team=ours, agent=mine, period="day", limit_usd=1),
        Budget.objects.create(team=ours, user=ada.user, period="day", limit_usd=1),
        make.budget(1, ours),
        make.budget(1),
    ]
    foreign = Budget.objects.create(team=ours, agent=other, period="day", limit_usd=1)
    with transaction.atomic():
        drawn = ledger.draw(ours.pk, NEED, agent_id=mine.pk, user_id=ada.user.pk)
    assert [money(one) for one in budgets] == [(drawn.amount, 0)] * 4
    assert not foreign.accounts.exists()


@pytest.mark.parametrize(("scope", "said"), [("agent", "for this agent"), ("user", "for this person")])
def test_a_narrow_budget_refuses_only_whom_it_binds(scope: str, said: str) -> None:
    ours = make.team()
    part = make.agent(ours) if scope == "agent" else make.admin(ours).user
    Budget.objects.create(team=ours, period="day", limit_usd="0.001", **{scope: part})
    with pytest.raises(BudgetRefused, match=said), transaction.atomic():
        ledger.draw(ours.pk, NEED, **{f"{scope}_id": part.pk})
    assert draw(ours.pk).amount == NEED * ledger.SLICE_STEPS


def test_a_run_draws_from_the_budgets_of_its_agent_and_its_person(take: Take) -> None:
    run = make.run()
    narrow = Budget.objects.create(team=run.team, agent=run.agent, period="day", limit_usd=1)
    own = Budget.objects.create(team=run.team, user=run.started_by, period="month", limit_usd=1)
    take(run).open()
    assert money(narrow)[0] == money(own)[0] > 0


def test_narrow_and_wide_budgets_at_once_never_overshoot_and_never_deadlock() -> None:
    ours = make.team()
    agents = [make.agent(ours), make.agent(ours)]
    people = [make.admin(ours).user, make.admin(ours).user]
    narrow = [Budget.objects.create(team=ours, agent=one, period="day", limit_usd="0.3") for one in agents]
    own = [Budget.objects.create(team=ours, user=one, period="day", limit_usd="0.3") for one in people]
    team = make.budget("0.5", ours)

    def spend(agent: int, user: int) -> Decimal:
        total = Decimal(0)
        while True:
            try:
                with transaction.atomic():
                    held = ledger.draw(ours.pk, NEED, agent_id=agent, user_id=user)
            except BudgetRefused as refused:
                if refused.spent:
                    return total
                continue
            ledger.give_back(held.accounts, held.amount, held.amount)
            total += held.amount

    spent = make.at_once(*(lambda n=n: spend(agents[n % 2].pk, people[n // 2 % 2].pk) for n in range(12)))
    assert all(isinstance(one, Decimal) for one in spent), spent
    assert money(team) == (0, Decimal("0.5"))
    for pair in (narrow, own):
        assert sum(money(one)[1] for one in pair) == Decimal("0.5")
        assert all(money(one)[1] <= Decimal("0.3") for one in pair)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return cursor.fetchone() is not None


@pytest.mark.parametrize("known", [True, False], ids=["with an account", "without"])
def test_a_draw_while_the_budget_is_being_deleted_goes_on_without_it(known: bool) -> None:
    ours = make.team()
    kept, deleted = make.budget(1, ours), make.budget(1, ours, "month")
    if known:
        ledger.give_back((drawn := draw(ours.pk)).accounts, drawn.amount, Decimal(0))
    drawing: Callable[[], Any] = lambda: draw(ours.pk)  # noqa: E731
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.extend(make.at_once(drawing)))
    with transaction.atomic():
        delete_budget(make.admin(ours), deleted)
        thread.start()
        eventually(waits_for_a_lock, "the draw waits for the deletion")
    thread.join()
    assert results == [ledger.Slice([make.account(kept).pk], NEED * ledger.SLICE_STEPS)]


def test_a_budget_deleted_twice_at_once_is_deleted_once() -> None:
    ours = make.team()
    budget, boss = make.budget(1, ours), make.admin(ours)
    draw(ours.pk)
    results = make.at_once(
        *[lambda: delete_budget(boss, Budget(pk=budget.pk, team=ours, period="day", limit_usd=1))] * 2
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    assert BudgetChange.objects.filter(team=ours).count() == 1
