"""Budgets as bars: spent, held, left, and where the period ends at this pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.safestring import SafeString

from agentops.accounts.access import Actor, Right
from runs import charts, ledger
from runs.models import Account, Budget

TELLING = 0.05
"""Share of a period from which on its pace says something."""


@dataclass(frozen=True, slots=True)
class Bar:
    budget: Budget
    spent: Decimal
    held: Decimal
    forecast: Decimal | None
    """What will be spent at the period's end if it goes on like this; None while it is too early to say."""
    ends_at: datetime
    may_change: bool

    @property
    def used(self) -> Decimal:
        return self.spent + self.held

    @property
    def left(self) -> Decimal:
        return max(self.budget.limit_usd - self.used, Decimal(0))

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.budget.limit_usd) if self.budget.limit_usd else 100

    @property
    def level(self) -> str:
        return "full" if self.percent >= 100 else "near" if self.percent >= self.budget.warn_percent else ""

    @property
    def picture(self) -> SafeString:
        limit = float(self.budget.limit_usd)
        forecast = float(self.forecast) if self.forecast is not None else None
        return charts.share_bar(
            float(self.spent), float(self.held), limit, limit * self.budget.warn_percent / 100, forecast
        )

    @property
    def overshoots(self) -> bool:
        return self.forecast is not None and self.forecast > self.budget.limit_usd


def of(actor: Actor) -> list[Bar]:
    """The budgets that bound what this person sees, widest first. Two queries."""
    teams = actor.teams_with(Right.VIEW)
    budgets = Budget.objects.select_related("team", "agent__team", "user")
    if teams is not None:
        budgets = budgets.filter(Q(team=None) | Q(team_id__in=teams))
    today = ledger.today()
    current = Account.objects.filter(
        Q(budget__period=Budget.Period.DAY, starts_on=today)
        | Q(budget__period=Budget.Period.MONTH, starts_on=today.replace(day=1))
    )
    accounts = {account.budget_id: account for account in current}
    return [_bar(actor, budget, accounts.get(budget.pk), today) for budget in sorted(budgets, key=_width)]


def _bar(actor: Actor, budget: Budget, account: Account | None, today: date) -> Bar:
    begins_at, ends_at = _period(budget.period, today)
    share = (timezone.now() - begins_at) / (ends_at - begins_at)
    spent = account.spent if account else Decimal(0)
    forecast = spent / Decimal(min(share, 1.0)) if share >= TELLING and spent else None
    return Bar(
        budget, spent, account.held if account else Decimal(0), forecast, ends_at, may_change(actor, budget.team_id)
    )


def may_change(actor: Actor, team_id: int | None) -> bool:
    """The budget for everything is a superuser's."""
    if team_id is None:
        return actor.teams_with(Right.ADMINISTER) is None
    return actor.can(Right.ADMINISTER, team_id)


def _period(period: str, today: date) -> tuple[datetime, datetime]:
    day = period == Budget.Period.DAY
    first = today if day else today.replace(day=1)
    after = first + timedelta(days=1) if day else (first + timedelta(days=32)).replace(day=1)
    begins, ends = (timezone.make_aware(datetime.combine(one, time.min)) for one in (first, after))
    return begins, ends


def _width(budget: Budget) -> tuple[bool, str, bool, str, str]:
    part = budget.agent or budget.user
    name = budget.team.name if budget.team else ""
    return (budget.team is not None, name, part is not None, str(part or ""), budget.period)
