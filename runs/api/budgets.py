"""REST of budgets: what everything, a team, an agent or a person may spend in a day or a month."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from django.db import IntegrityError
from django.db.models import DecimalField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.responses import Status
from pydantic import Field

from agentops.accounts.access import Right
from agentops.accounts.models import Membership, Team
from agentops.core.errors import Conflict, InvalidInput
from agentops.rest import Body, Cursor, IdempotencyKey, Limit, Page, Request, Usd, access, listed, once, page

from .. import actions, ledger
from ..models import Account, Agent, Budget
from .teams import visible_teams

router = Router(tags=["Budgets"], auth=access("runs:read"))
WRITE = access("admin")
Amount = Annotated[Decimal, Field(ge=0, lt=10**12, decimal_places=2)]
Period = Annotated[Budget.Period, listed(Budget.Period)]
Percent = Annotated[int, Field(ge=1, le=100, strict=True)]


class BudgetOut(Schema):
    id: int
    team: str | None = Field(description="The team's slug; null: everything.", examples=["shop"])
    agent: str | None = Field(description="An agent's name; null: every agent.", examples=[None])
    person: str | None = Field(description="A username; null: whoever starts a run.", examples=[None])
    period: Period
    limit_usd: Usd
    warn_percent: int = Field(examples=[90])
    spent_usd: Usd = Field(description="In the present period.")
    held_usd: Usd = Field(description="Drawn by runs under way and not spent yet.")

    @staticmethod
    def resolve_team(budget: Budget) -> str | None:
        return budget.team.slug if budget.team else None

    @staticmethod
    def resolve_agent(budget: Budget) -> str | None:
        return budget.agent.name if budget.agent else None

    @staticmethod
    def resolve_person(budget: Budget) -> str | None:
        return budget.user.get_username() if budget.user else None


class NewBudget(Body):
    """For everything (no team, a superuser's to set), a team, or one agent or one person in a team."""

    team: str | None = Field(None, max_length=80, description="A team's slug.", examples=["shop"])
    agent: str | None = Field(None, max_length=80, examples=[None])
    person: str | None = Field(None, max_length=150, description="A username.", examples=[None])
    period: Period
    limit_usd: Amount = Field(examples=["25.00"])
    warn_percent: Percent = 90


class BudgetChanges(Body):
    limit_usd: Amount | None = Field(None, examples=["40.00"])
    warn_percent: Percent | None = Field(None, examples=[80])


@router.get("", response=Page[BudgetOut], summary="List budgets")
def list_budgets(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Those that bind what you see, the one for everything included."""
    return page(_visible(request), cursor, limit, order=("period", "id"))


@router.post("", response={201: BudgetOut, 200: BudgetOut}, auth=WRITE, summary="Set a budget")
def create_budget(request: Request, body: NewBudget, idempotency_key: IdempotencyKey = "") -> Status[Budget]:
    budget, new = once(request, idempotency_key, body, lambda: _create(request, body), Budget.objects.all())
    return Status(201 if new else 200, _visible(request).get(pk=budget.pk))


@router.get("/{int:budget_id}", response=BudgetOut, summary="Read a budget")
def get_budget(request: Request, budget_id: int) -> Budget:
    return _visible(request).get(pk=budget_id)


@router.patch("/{int:budget_id}", response=BudgetOut, auth=WRITE, summary="Change a budget")
def change_budget(request: Request, budget_id: int, body: BudgetChanges) -> Budget:
    """A higher limit lets the runs that wait for it go on."""
    budget = get_budget(request, budget_id)
    for name, value in body.model_dump(exclude_none=True).items():
        setattr(budget, name, value)
    actions.save_budget(request.actor, budget)
    return get_budget(request, budget_id)


@router.delete("/{int:budget_id}", response={204: None}, auth=WRITE, summary="Delete a budget")
def delete_budget(request: Request, budget_id: int) -> None:
    """Its limit binds nobody any more: who waited for it goes on."""
    actions.delete_budget(request.actor, get_budget(request, budget_id))


def _create(request: Request, body: NewBudget) -> Budget:
    team = _team(request, body.team)
    budget = Budget(
        team=team,
        agent=_agent(team, body.agent),
        user=_person(team, body.person),
        period=body.period,
        limit_usd=body.limit_usd,
        warn_percent=body.warn_percent,
    )
    same = {name: getattr(budget, name) for name in ("team", "agent", "user", "period")}
    if team is None or request.actor.can(Right.ADMINISTER, team.pk):
        _refuse_second(Budget.objects.filter(**same))
    try:
        return actions.save_budget(request.actor, budget)
    except IntegrityError as error:
        raise Conflict(_("Somebody set such a budget in the same moment. Change that one.")) from error


def _refuse_second(same: QuerySet[Budget]) -> None:
    if found := same.first():
        raise Conflict(_("There is such a budget: number %(number)s. Change that one.") % {"number": found.pk})


def _team(request: Request, slug: str | None) -> Team | None:
    if slug is None:
        return None
    if (team := visible_teams(request.actor).filter(slug=slug).first()) is None:
        raise InvalidInput(_("There is no team %(team)s that you may see.") % {"team": slug}, "team")
    return team


def _agent(team: Team | None, name: str | None) -> Agent | None:
    if name is None:
        return None
    if (agent := Agent.objects.filter(team=team, name=name).first()) is None:
        raise InvalidInput(_("The team has no agent %(name)s.") % {"name": name}, "agent")
    return agent


def _person(team: Team | None, username: str | None) -> Any:
    if username is None:
        return None
    membership = Membership.objects.filter(team=team, user__username=username).select_related("user").first()
    if membership is None:
        raise InvalidInput(_("Nobody named %(username)s is in the team.") % {"username": username}, "person")
    return membership.user


def _visible(request: Request) -> QuerySet[Budget]:
    teams = request.actor.teams_with(Right.VIEW)
    today = ledger.today()
    now = Account.objects.filter(
        Q(budget__period=Budget.Period.DAY, starts_on=today)
        | Q(budget__period=Budget.Period.MONTH, starts_on=today.replace(day=1)),
        budget=OuterRef("pk"),
    )
    money = DecimalField(max_digits=16, decimal_places=8)
    sums = {
        f"{column}_usd": Coalesce(Subquery(now.values(column)[:1]), Decimal(0), output_field=money)
        for column in ("spent", "held")
    }
    rows = Budget.objects.select_related("team", "agent", "user").annotate(**sums)
    return rows if teams is None else rows.filter(Q(team=None) | Q(team_id__in=teams))
