"""Set a budget. A higher one lets the runs that wait for it go on."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from agentops.accounts.access import Actor, Right
from agentops.core.errors import NotAllowed
from agentops.core.states import WaitingOn

from ..models import Budget, Run
from ..wake import hint_on_commit


def save_budget(actor: Actor, budget: Budget) -> Budget:
    """Store it and wake what waits for money. The budget for everything is a superuser's to set."""
    if budget.team_id is None:
        if actor.teams_with(Right.ADMINISTER) is not None:
            raise NotAllowed("Only a superuser sets the budget for everything.")
    else:
        actor.require(Right.ADMINISTER, budget.team_id)
    budget.full_clean()
    with transaction.atomic():
        budget.save()
        wake_for_money(budget.team_id)
    return budget


def wake_for_money(team_id: int | None) -> None:
    """Let runs that wait for a budget ask again."""
    waiting = Run.objects.filter(status=Run.Status.WAITING, waiting_on=WaitingOn.BUDGET)
    if team_id is not None:
        waiting = waiting.filter(team_id=team_id)
    ids = list(waiting.order_by("pk").select_for_update().values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids).update(wake_at=Now())
    for run_id in ids[:500]:
        hint_on_commit(run_id)
