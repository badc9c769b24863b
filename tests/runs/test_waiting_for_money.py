"""A run that waits for a budget goes on when the budget is raised, deleted or moved, or when its period ends."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from agentops.core.errors import BudgetRefused, NotAllowed
from agentops.core.states import WaitingOn
from agentops.engine.interrupts import Wait
from runs import ledger
from runs.actions import delete_budget, save_budget
from runs.models import Account, Budget, Run

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def refused(run: Run, take: Take) -> make.Hand:
    """A worker whose run was just told that the budget is used up."""
    hand = take(run)
    with pytest.raises(BudgetRefused) as told:
        hand.open("0.5")
    assert told.value.spent
    return hand


def starve(run: Run, take: Take) -> None:
    refused(run, take).leave(Wait(WaitingOn.BUDGET))
    assert Run.objects.get(pk=run.pk).wake_at is None


@pytest.mark.parametrize(("period", "zone"), [("day", "UTC"), ("month", "UTC"), ("day", "Pacific/Auckland")])
def test_a_spent_budget_says_when_it_renews(period: str, zone: str) -> None:
    team = make.team()
    make.budget("0.1", team, period)
    with timezone.override(ZoneInfo(zone)), pytest.raises(BudgetRefused) as told:
        ledger.draw(team.pk, Decimal("0.5"))
    assert told.value.renews_in
    with timezone.override(ZoneInfo(zone)):
        then = timezone.localtime() + timedelta(seconds=told.value.renews_in + 1)
    assert then.hour == then.minute == 0
    assert period == "day" or then.day == 1
    assert timedelta() < then - timezone.now() < timedelta(days=2 if period == "day" else 32)


def test_a_raised_budget_wakes_who_waits_for_it(take: Take) -> None:
    run = make.run()
    limit = make.budget("0.1", run.team)
    starve(run, take)
    limit.limit_usd = Decimal(10)
    save_budget(make.admin(run.team), limit)
    take(run).open("0.5")


def test_a_deleted_budget_wakes_who_waits_for_it(take: Take) -> None:
    run = make.run()
    limit = make.budget("0.1", run.team)
    starve(run, take)
    delete_budget(make.admin(run.team), limit)
    take(run).open("0.5")
    assert not Account.objects.exists()


def test_a_budget_that_moves_to_another_team_wakes_the_first(take: Take) -> None:
    run = make.run()
    limit = make.budget("0.1", run.team)
    starve(run, take)
    limit.team = make.team()
    save_budget(make.person(superuser=True), limit)
    take(run).open("0.5")


def test_a_budget_raised_between_the_refusal_and_the_wait_is_not_missed(take: Take) -> None:
    run = make.run()
    limit = make.budget("0.1", run.team)
    hand = refused(run, take)
    limit.limit_usd = Decimal(10)
    save_budget(make.admin(run.team), limit)
    hand.leave(Wait(WaitingOn.BUDGET))
    take(run).open("0.5")


def test_a_team_admin_does_not_delete_the_budget_for_everything() -> None:
    team = make.team()
    limit = make.budget(5)
    with pytest.raises(NotAllowed):
        delete_budget(make.admin(team), limit)
    assert Budget.objects.filter(pk=limit.pk).exists()
