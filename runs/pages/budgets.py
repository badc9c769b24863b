"""Budgets: how much is left, who waits for money, what was spent on what; admins set, raise and delete them here."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Membership, Team
from agentops.core.errors import AgentOpsError, Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.models import Agent, Budget, BudgetChange, FiguresClock, Run

from . import bars, prices, spend

STARVED, CHANGES = 20, 30
WARN_PERCENT = 90


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    def act() -> str:
        budget = Budget(warn_percent=WARN_PERCENT, period=request.POST.get("period", ""))
        _bind(request, budget, request.POST.get("scope", ""))
        return _save(request, budget)

    return _act(request, "new", act)


@require_POST
def change(request: HttpRequest, budget_id: int) -> HttpResponse:
    budget = _visible(request, budget_id)

    def act() -> str:
        _check_unchanged(budget, request.POST.get("was", ""))
        return _save(request, budget)

    return _act(request, str(budget_id), act)


@require_POST
def delete(request: HttpRequest, budget_id: int) -> HttpResponse:
    budget = _visible(request, budget_id)

    def act() -> str:
        _check_unchanged(budget, request.POST.get("was", ""))
        actions.delete_budget(request.actor, budget)
        return _("Deleted. Runs that waited for it go on.")

    return _act(request, str(budget_id), act)


def _save(request: HttpRequest, budget: Budget) -> str:
    new = budget.pk is None
    budget.limit_usd = _amount(request.POST.get("limit", ""), "limit")
    warn = request.POST.get("warn", str(budget.warn_percent)).strip()
    if not (warn.isascii() and warn.isdigit() and 1 <= int(warn[:4]) <= 100):
        raise InvalidInput(_("Say from which share a warning shows: 1 to 100."), "warn")
    budget.warn_percent = int(warn)
    actions.save_budget(request.actor, budget)
    return _("The budget is set.") if new else _("Saved. Runs that waited for it ask again.")


def _act(request: HttpRequest, form: str, act: Callable[[], str]) -> HttpResponse:
    """Do it and show the page again; when it was refused, with what was written and why."""
    try:
        done = act()
    except ValidationError as error:
        return _page(request, form, "; ".join(error.messages), "limit", 422)
    except InvalidInput as error:
        return _page(request, form, str(error), error.field, 422)
    except AgentOpsError as error:
        return _page(request, form, str(error), "", 403 if isinstance(error, NotAllowed) else 409)
    messages.success(request, done)
    return redirect("budgets")


def _page(request: HttpRequest, form: str = "", problem: str = "", field: str = "", status: int = 200) -> HttpResponse:
    actor = request.actor
    runs = Run.objects.visible_to(actor).select_related("agent", "team")
    waiting = runs.filter(status=Run.Status.WAITING, waiting_on=Run.WaitingOn.BUDGET).order_by("waiting_since")
    starved = list(waiting[: STARVED + 1])
    span = spend.chosen(request)
    context = {
        "bars": bars.of(actor),
        "starved": starved[:STARVED],
        "more_starved": len(starved) > STARVED,
        "scopes": _scopes(actor),
        "periods": Budget.Period.choices,
        "changes": _changes(actor),
        "span": span,
        "choices": spend.CHOICES,
        "spending": spend.over(actor, span),
        "clock": FiguresClock.objects.first(),
        "prices": prices.shown(actor),
        "form": form,
        "problem": problem,
        "field": field,
        "written": request.POST if form else QueryDict(),
    }
    return render(request, "runs/budgets.html", context, status=status)


def _changes(actor: Actor) -> Any:
    teams = actor.teams_with(Right.VIEW)
    changes = BudgetChange.objects.all()
    return (changes if teams is None else changes.filter(Q(everything=True) | Q(team_id__in=teams)))[:CHANGES]


def _scopes(actor: Actor) -> list[tuple[str, list[tuple[str, str]]]]:
    """Whom this person may set a budget for: groups of value and name. Three queries at most."""
    teams = actor.teams_with(Right.ADMINISTER)
    groups = [("", [("all", _("Everything"))])] if teams is None else []
    mine = Team.objects.order_by("name") if teams is None else Team.objects.filter(pk__in=teams).order_by("name")
    agents = list(Agent.objects.filter(team__in=mine).order_by("title"))
    people = list(
        Membership.objects.filter(team__in=mine)
        .select_related("user")
        .order_by("user__username")
        .distinct("user__username", "team")
    )
    for team in mine:
        choices = [(f"team:{team.pk}", _("%(team)s, all of it") % {"team": team.name})]
        choices += [
            (f"agent:{agent.pk}", _("agent %(name)s") % {"name": agent.title})
            for agent in agents
            if agent.team_id == team.pk
        ]
        choices += [
            (f"user:{team.pk}:{row.user_id}", _("runs of %(name)s") % {"name": row.user.get_username()})
            for row in people
            if row.team_id == team.pk
        ]
        groups.append((team.name, choices))
    return groups


def _bind(request: HttpRequest, budget: Budget, scope: str) -> None:
    """Only what the page offers: a scope of another team is not there."""
    if scope not in {value for _group, choices in _scopes(request.actor) for value, _name in choices}:
        raise InvalidInput(_("Choose whom the budget is for."), "scope")
    kind, _colon, rest = scope.partition(":")
    if kind == "team":
        budget.team_id = int(rest)
    elif kind == "agent":
        budget.agent = Agent.objects.get(pk=int(rest))
        budget.team_id = budget.agent.team_id
    elif kind == "user":
        team_id, _colon, user_id = rest.partition(":")
        budget.team_id, budget.user_id = int(team_id), int(user_id)


def _visible(request: HttpRequest, budget_id: int) -> Budget:
    teams = request.actor.teams_with(Right.VIEW)
    found = Budget.objects.filter(pk=budget_id).first()
    if found is None or not (teams is None or found.team_id is None or found.team_id in teams):
        raise Http404
    return found


def _check_unchanged(budget: Budget, was: str) -> None:
    """Two people at one budget: the second is told."""
    if was and was != str(budget.limit_usd):
        raise Conflict(
            _("Somebody set it to %(limit)s USD meanwhile. Look again before you change it.")
            % {"limit": budget.limit_usd}
        )


def _amount(text: str, field: str) -> Decimal:
    try:
        amount = Decimal(text.strip().replace(",", ".") if text.count(",") == 1 and "." not in text else text.strip())
    except InvalidOperation:
        raise InvalidInput(_("Write an amount in USD, such as 25 or 12.50."), field) from None
    if not amount.is_finite() or amount < 0 or amount >= 10**12:
        raise InvalidInput(_("Write an amount from 0 to less than a trillion USD."), field)
    return amount
