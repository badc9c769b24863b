"""All runs, newest first: filtered and searched by the address, live where one looks."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from approvals.pages import cursor
from runs.models import Agent, Run

SIZE = 50


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    shown = cursor.newest_first(_filtered(request), "created_at", request.GET.get("cursor", ""), SIZE)
    chosen = {name: request.GET.get(name, "") for name in ("status", "agent", "q")}
    return render(
        request,
        "runs/list.html",
        {
            "page": shown,
            "filtered": any(chosen.values()),
            **chosen,
            "statuses": Run.Status.choices,
            "agents": Agent.objects.visible_to(request.actor).values_list("name", "title").distinct(),
            "may_start": request.actor.teams_with(Right.OPERATE) != [],
        },
    )


@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Live: these runs as they are now, whether or not they still match the filter."""
    ids = [pk for pk in map(_uuid, request.GET.get("ids", "").split(",")) if pk]
    runs = Run.objects.visible_to(request.actor).select_related("agent").filter(pk__in=ids[:SIZE])
    return render(request, "runs/_rows.html", {"runs": runs})


def _filtered(request: HttpRequest) -> QuerySet[Run]:
    runs = Run.objects.visible_to(request.actor).select_related("agent")
    status, agent = request.GET.get("status", ""), request.GET.get("agent", "").replace("\x00", "")
    if status == "live":
        runs = runs.live()
    elif status in Run.Status.values:
        runs = runs.filter(status=status)
    elif status in Run.WaitingOn.values:
        runs = runs.filter(status=Run.Status.WAITING, waiting_on=status)
    if agent:
        runs = runs.filter(agent_name=agent)
    for word in request.GET.get("q", "").replace("\x00", "").split()[:8]:
        runs = runs.filter(goal__icontains=word)
    return runs


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
