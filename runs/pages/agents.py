"""What each agent does, with which tools, within which limits, and how it went lately."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from runs.models import Agent

from . import tool_lines
from .agent_figures import LATELY, Figures, lately
from .tool_lines import ToolLine

MANY = 200
"""Agents on one page; the search finds the others."""


@dataclass
class Card:
    agent: Agent
    tools: list[ToolLine]
    may_start: bool
    figures: Figures


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    q = request.GET.get("q", "").replace("\x00", "")
    rows = Agent.objects.visible_to(request.actor).select_related("live", "candidate", "team")
    for word in q.split()[:8]:
        rows = rows.filter(Q(title__icontains=word) | Q(name__icontains=word))
    agents = list(rows.order_by("-active", "title", "pk")[: MANY + 1])
    tiers = tool_lines.tiers_of(agent.team_id for agent in agents)
    figures = lately([agent.pk for agent in agents])
    cards = [
        Card(
            agent,
            [tool_lines.line(name, agent.team_id, tiers) for name in (agent.live.tools if agent.live else [])],
            agent.active and agent.live is not None and request.actor.can(Right.OPERATE, agent.team_id),
            figures.get(agent.pk, Figures()),
        )
        for agent in agents[:MANY]
    ]
    return render(
        request,
        "runs/agents.html",
        {"cards": cards, "days": LATELY.days, "q": q, "more": len(agents) > MANY, "many": MANY},
    )
