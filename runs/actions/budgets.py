"""Set or delete a budget. A higher one lets the runs that wait for it go on."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agentops.accounts.access import Actor, Right
from agentops.core.errors import NotAllowed
from agentops.core.states import WaitingOn

from ..models import Budget, Run
from ..wake import hint_on_commit


def save_budget(actor: Actor, budget: Budget) -> Budget:
    """Store it and wake what waits for money. The budget for everything is a superuser's to set."""
    _check_right(actor, budget)
    budget.full_clean()
    with transaction.atomic():
        bound = set(Budget.objects.filter(pk=budget.pk).values_list("team_id", flat=True))
        budget.save()
        for team_id in bound | {budget.team_id}:
            wake_for_money(team_id)
    return budget


def delete_budget(actor: Actor, budget: Budget) -> None:
    """Without it its limit binds nobody: who waited for it goes on."""
    _check_right(actor, budget)
    with transaction.atomic():
        wake_for_money(budget.team_id)
        budget.delete()


def wake_for_money(team_id: int | None) -> None:
    """Let runs that wait for a budget ask again, and those that were refused just now and are about to wait."""
    starved = Q(status=Run.Status.WAITING, waiting_on=WaitingOn.BUDGET)
    bound = Run.objects.filter(starved | Q(status=Run.Status.RUNNING))
    if team_id is not None:
        bound = bound.filter(team_id=team_id)
    ids = list(bound.order_by("pk").select_for_update().values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids, status=Run.Status.RUNNING).update(poked=True)
    waiting = Run.objects.filter(starved, pk__in=ids)
    waiting.update(wake_at=Now())
    for run_id in waiting.values_list("pk", flat=True)[:500]:
        hint_on_commit(run_id)


def _check_right(actor: Actor, budget: Budget) -> None:
    if budget.team_id is not None:
        actor.require(Right.ADMINISTER, budget.team_id)
    elif actor.teams_with(Right.ADMINISTER) is not None:
        raise NotAllowed("Only a superuser sets the budget for everything.")
