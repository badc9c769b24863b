"""What needs a person, what runs, what it costs, and how it goes. Each number leads to the list behind it."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from agentops.core.messages import text_of
from approvals.models import ApprovalRequest
from runs.models import Account, Agent, Budget, Run, Step, ToolCall

NEEDS, RUNNING = 8, 8
"""Rows shown of each; the counts beside them are true."""


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    agents = Agent.objects.visible_to(request.actor)
    return render(request, "runs/overview.html", {**_context(request), "has_agents": agents.exists()})


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    return render(request, "runs/_overview.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    runs = Run.objects.visible_to(request.actor)
    requests = ApprovalRequest.objects.visible_to(request.actor).pending().by_consequence()
    doubts = ToolCall.objects.filter(run__in=runs, status=ToolCall.Status.IN_DOUBT).select_related("run")
    starved = runs.filter(status=Run.Status.WAITING, waiting_on=Run.WaitingOn.BUDGET)
    alive = (
        runs.live()
        .order_by()
        .aggregate(
            active=Count("id", filter=Q(status__in=[Run.Status.RUNNING, Run.Status.QUEUED])),
            waiting=Count("id", filter=Q(status=Run.Status.WAITING)),
            paused=Count("id", filter=Q(status=Run.Status.PAUSED)),
        )
    )
    return {
        "requests": requests[:NEEDS],
        "doubts": list(doubts.order_by("started_at")[:NEEDS]),
        "starved": list(starved.order_by("waiting_since")[:NEEDS]),
        "running": _running(runs),
        "alive": alive,
        "spend": _spend(request),
        "health": _health(runs),
        "may_start": request.actor.teams_with(Right.OPERATE) != [],
    }


def _running(runs: QuerySet[Run]) -> list[Run]:
    """Working ones first, then those about to, then those that wait, with the words of their latest step."""
    order = [Run.Status.RUNNING, Run.Status.QUEUED, Run.Status.WAITING]
    rank = Case(*(When(status=status, then=Value(place)) for place, status in enumerate(order)), default=Value(9))
    alive = runs.filter(status__in=order).select_related("agent")
    found = list(alive.order_by(rank, "-created_at")[:RUNNING])
    latest = Step.objects.filter(run__in=[run.pk for run in found]).order_by("run_id", "-number").distinct("run_id")
    by_run = {step.run_id: step for step in latest}
    for run in found:
        run.step = by_run.get(run.pk)
        run.said = text_of(run.step.output)[:300] if run.step else ""
    return found


def _spend(request: HttpRequest) -> list[dict[str, Any]]:
    """The budgets that bound what this person sees, for the present period."""
    teams = request.actor.teams_with(Right.VIEW)
    budgets = Budget.objects.select_related("team").order_by("team__name", "period")
    if teams is not None:
        budgets = budgets.filter(Q(team=None) | Q(team_id__in=teams))
    today = timezone.now().date()
    accounts = {
        account.budget_id: account
        for account in Account.objects.filter(
            Q(budget__period=Budget.Period.DAY, starts_on=today)
            | Q(budget__period=Budget.Period.MONTH, starts_on=today.replace(day=1))
        )
    }
    return [_bar(budget, accounts.get(budget.pk)) for budget in budgets]


def _bar(budget: Budget, account: Account | None) -> dict[str, Any]:
    spent, held = (account.spent, account.held) if account else (0, 0)
    share = float(spent + held) / float(budget.limit_usd) if budget.limit_usd else 1.0
    level = "full" if share >= 1 else "near" if share * 100 >= budget.warn_percent else ""
    return {"budget": budget, "spent": spent, "held": held, "used": spent + held, "level": level}


def _health(runs: QuerySet[Run]) -> dict[str, Any]:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ended = (
        runs.filter(created_at__gte=today)
        .order_by()
        .aggregate(
            started=Count("id"),
            succeeded=Count("id", filter=Q(status=Run.Status.SUCCEEDED)),
            failed=Count("id", filter=Q(status=Run.Status.FAILED)),
            cancelled=Count("id", filter=Q(status=Run.Status.CANCELLED)),
            cost=Sum("cost_usd"),
        )
    )
    calls = (
        ToolCall.objects.filter(run__in=runs.filter(created_at__gte=today))
        .order_by()
        .aggregate(
            made=Count("id", filter=Q(started_at__isnull=False)),
            failed=Count("id", filter=Q(status=ToolCall.Status.FAILED)),
            invalid=Count("id", filter=Q(status=ToolCall.Status.INVALID)),
        )
    )
    finished = ended["succeeded"] + ended["failed"]
    return {
        **ended,
        "success_percent": round(100 * ended["succeeded"] / finished) if finished else None,
        "calls": calls["made"],
        "call_errors": calls["failed"],
        "call_error_percent": round(100 * calls["failed"] / calls["made"]) if calls["made"] else None,
        "invalid_calls": calls["invalid"],
    }
