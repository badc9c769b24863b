"""One agent: what it does, with what, within which limits, how it goes, and its switch."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Right
from runs import actions
from runs.agent_form import LABELS
from runs.models import Agent, Run

from . import tool_lines
from .agent_figures import LATELY, Figures, by_version
from .agent_words import facts
from .comparison import comparison

RECENT = 8


def visible_agent(request: HttpRequest, team: str, name: str) -> Agent:
    rows = Agent.objects.visible_to(request.actor).select_related("live", "candidate", "team")
    return get_object_or_404(rows, team__slug=team, name=name)


def administered_agent(request: HttpRequest, team: str, name: str) -> Agent:
    """Not there for who may not see it, forbidden for who may only see it."""
    agent = visible_agent(request, team, name)
    if not request.actor.can(Right.ADMINISTER, agent.team_id):
        raise PermissionDenied
    return agent


@require_GET
def page(request: HttpRequest, team: str, name: str) -> HttpResponse:
    agent = visible_agent(request, team, name)
    version = agent.live
    tiers = tool_lines.tiers_of([agent.team_id])
    figures = by_version(agent, timezone.now() - LATELY)
    whole = Figures(*(sum(getattr(one, part) for one in figures.values()) for part in Figures.__slots__))
    recent = Run.objects.visible_to(request.actor).filter(agent=agent).select_related("agent")
    return render(
        request,
        "runs/agent.html",
        {
            "agent": agent,
            "version": version,
            "tools": [tool_lines.line(tool, agent.team_id, tiers) for tool in (version.tools if version else [])],
            "limits": [(label, limit, getattr(version, limit)) for limit, label in LABELS.items()] if version else [],
            "works": facts(version) if version else [],
            "answer_schema": json.dumps(version.answer_schema, indent=2, ensure_ascii=False) if version else "",
            "figures": whole,
            "days": LATELY.days,
            "recent": recent.order_by("-created_at", "-id")[:RECENT],
            "versions": agent.versions.order_by("-number")[:5],
            "compared": comparison(agent),
            "may_start": version is not None and agent.active and request.actor.can(Right.OPERATE, agent.team_id),
            "may_edit": request.actor.can(Right.ADMINISTER, agent.team_id),
        },
    )


@require_POST
def switch(request: HttpRequest, team: str, name: str) -> HttpResponse:
    agent = administered_agent(request, team, name)
    active = request.POST.get("active") == "yes"
    actions.switch_agent(request.actor, agent, active=active)
    messages.success(
        request,
        _("Switched on: it may be started.")
        if active
        else _("Switched off: no new run starts; those under way go on."),
    )
    return redirect("agent", team, name)
