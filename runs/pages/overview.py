"""What needs a person, what runs, what it costs, and how it goes. Each number leads to the list behind it."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from agentops.core.messages import text_of
from approvals.models import ApprovalRequest
from runs.models import Agent, FiguresClock, Run, Step, ToolCall

from . import bars, health, unusual

NEEDS, RUNNING, BARS = 8, 8, 4
"""Rows shown of each; the counts beside them are true."""


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    agents = Agent.objects.visible_to(request.actor)
    return render(request, "runs/overview.html", {**_context(request), "has_agents": agents.exists()})


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    return render(request, "runs/_overview.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    actor = request.actor
    runs = Run.objects.visible_to(actor)
    requests = ApprovalRequest.objects.visible_to(actor).pending().by_consequence()
    teams = actor.teams_with(Right.VIEW)
    doubts = ToolCall.objects.filter(status=ToolCall.Status.IN_DOUBT).select_related("run").order_by("started_at")
    if teams is not None:
        doubts = doubts.filter(run__team_id__in=teams)
    starved = runs.live().filter(status=Run.Status.WAITING, waiting_on=Run.WaitingOn.BUDGET)
    clock = FiguresClock.objects.first()
    day = health.look(actor)
    money = bars.of(actor)
    return {
        "requests": requests[:NEEDS],
        "doubts": list(doubts[:NEEDS]),
        "starved": list(starved.order_by("waiting_since")[:NEEDS]),
        "running": _running(runs),
        "alive": _alive(runs),
        "bars": sorted(money, key=lambda bar: -bar.percent)[:BARS],
        "more_bars": len(money) > BARS,
        "day": day,
        "metrics": health.metrics(day),
        "findings": unusual.found(actor, day, money, clock),
        "clock": clock,
        "may_start": actor.teams_with(Right.OPERATE) != [],
    }


def _alive(runs: QuerySet[Run]) -> dict[str, int]:
    return (
        runs.live()
        .order_by()
        .aggregate(
            active=Count("id", filter=Q(status__in=[Run.Status.RUNNING, Run.Status.QUEUED])),
            waiting=Count("id", filter=Q(status=Run.Status.WAITING)),
            starved=Count("id", filter=Q(status=Run.Status.WAITING, waiting_on=Run.WaitingOn.BUDGET)),
            paused=Count("id", filter=Q(status=Run.Status.PAUSED)),
        )
    )


def _running(runs: QuerySet[Run]) -> list[Run]:
    """Working ones first, then those about to, then those that wait, with the words of their latest step."""
    order = [Run.Status.RUNNING, Run.Status.QUEUED, Run.Status.WAITING]
    rank = Case(*(When(status=status, then=Value(place)) for place, status in enumerate(order)), default=Value(9))
    alive = runs.live().filter(status__in=order).select_related("agent")
    found = list(alive.order_by(rank, "-created_at")[:RUNNING])
    latest = Step.objects.filter(run__in=[run.pk for run in found]).order_by("run_id", "-number").distinct("run_id")
    by_run = {step.run_id: step for step in latest}
    for run in found:
        run.step = by_run.get(run.pk)
        run.said = text_of(run.step.output)[:300] if run.step else ""
    return found
