"""Set or delete a budget. A higher one lets the runs that wait for it go on. Each change is kept: who, from, to."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.states import WaitingOn

from ..models import Budget, BudgetChange, Run
from ..wake import hint_on_commit

_DELETED = gettext_lazy("Somebody has just deleted it.")


def save_budget(actor: Actor, budget: Budget) -> Budget:
    """Store it and wake what waits for money. The budget for everything is a superuser's to set.

    Of one that was read, only what was changed since is written. Raises NotAllowed, InvalidInput (an agent or a person
    that is not of the team), Conflict (there is one for the same; somebody deleted it, or changed the same meanwhile)
    and Django's ValidationError.
    """
    _check_right(actor, budget)
    _check_scope(budget)
    budget.full_clean(validate_constraints=False)
    with transaction.atomic():
        for team_id in {budget.team_id, *Budget.objects.filter(pk=budget.pk).values_list("team_id", flat=True)}:
            _wake_now_and_after(team_id)
        before = Budget.objects.select_for_update().filter(pk=budget.pk).first()
        if before is not None:
            _check_right(actor, before)
            _take_over_others_changes(budget, before)
        elif budget.pk is not None:
            raise Conflict(_DELETED)
        _store(budget)
        budget.remember()
        _keep(actor, budget, before.limit_usd if before else None, budget.limit_usd)
    return budget


def delete_budget(actor: Actor, budget: Budget) -> None:
    """Without it its limit binds nobody: who waited for it goes on. Raises Conflict when it is gone already."""
    _check_right(actor, budget)
    with transaction.atomic():
        _wake_now_and_after(budget.team_id)
        # Before its accounts, as who draws from it: else the two could each hold what the other waits for.
        gone = Budget.objects.select_for_update().filter(pk=budget.pk).first()
        if gone is None:
            raise Conflict(_DELETED)
        _keep(actor, gone, gone.limit_usd, None)
        gone.delete()


def _take_over_others_changes(budget: Budget, now: Budget) -> None:
    """Raises Conflict when somebody changed the same meanwhile."""
    for field in Budget._meta.concrete_fields:
        name = field.attname
        was, stands = budget.stored.get(name, getattr(now, name)), getattr(now, name)
        if getattr(budget, name) == was:
            setattr(budget, name, stands)
        elif stands != was:
            raise Conflict(_("Somebody has just changed it. Look again before you change it."))


def _wake_now_and_after(team_id: int | None) -> None:
    """Twice: a run that is taken while this is being stored still reads the old limit, and is found afterwards."""
    wake_for_money(team_id)
    transaction.on_commit(partial(wake_for_money, team_id), robust=True)


@transaction.atomic
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
    elif actor.teams_with(Right.ADMINISTER) is not None or not actor.scope_allows(Right.ADMINISTER):
        raise NotAllowed(_("Only a superuser sets the budget for everything."))


def _store(budget: Budget) -> None:
    """The database knows whether there is one for the same already, even if somebody sets it just now."""
    try:
        with transaction.atomic():
            budget.save()
    except IntegrityError as error:
        if "one_budget_a_scope" not in str(error):
            raise
        raise Conflict(_("There is one already for the same, in the same period. Change that one.")) from error


def _check_scope(budget: Budget) -> None:
    if budget.agent is not None and budget.agent.team_id != budget.team_id:
        raise InvalidInput(_("A budget for an agent is set in the agent's team."), "agent")
    if budget.user is not None and not budget.user.memberships.filter(team_id=budget.team_id).exists():
        raise InvalidInput(_("A budget for a person is set in a team that the person is in."), "user")


def _keep(actor: Actor, budget: Budget, before: Decimal | None, after: Decimal | None) -> None:
    BudgetChange.objects.create(
        team=budget.team,
        everything=budget.team is None,
        scope=str(budget.scope)[:300],
        period=budget.period,
        before_usd=before,
        after_usd=after,
        by=actor.user,
        by_name=str(actor)[:150],
    )
