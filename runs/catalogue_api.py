"""REST of what there is to run: agents and their tools. Read only; the admin pages change them."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput
from agentops.rest import Cursor, Limit, Page, access, page
from agentops.tools.registry import registry
from approvals.models import ToolTier

from .models import Agent
from .schemas import AgentOut, ToolOut

agents = Router(tags=["Agents"], auth=access("runs:read"))
tools = Router(tags=["Tools"], auth=access("runs:read"))

TeamSlug = Annotated[str, Query(max_length=80, description="A team's slug; needed when you are in several.")]


@agents.get("", response=Page[AgentOut], summary="List agents")
def list_agents(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    rows = Agent.objects.visible_to(request.actor).select_related("team", "live")  # type: ignore[attr-defined]
    return page(rows, cursor, limit, order=("name", "id"))


@agents.get("/{slug:name}", response=AgentOut, summary="Read an agent")
def get_agent(request: HttpRequest, name: str, team: TeamSlug = "") -> Agent:
    rows = Agent.objects.visible_to(request.actor).select_related("team", "live").filter(name=name)  # type: ignore[attr-defined]
    found = list(rows.filter(team__slug=team) if team else rows)
    if not found:
        raise Agent.DoesNotExist
    if len(found) > 1:
        raise InvalidInput(f"Several of your teams have an agent {name}. Say which team.", "team")
    return found[0]


@tools.get("", response=list[ToolOut], summary="List tools")
def list_tools(request: HttpRequest, team: TeamSlug = "") -> list[dict[str, Any]]:
    """Every tool that this server knows. Which of them an agent may use is in the agent's version."""
    tiers = _tiers(_team(request.actor, team))  # type: ignore[attr-defined]
    shown = []
    for name in registry.names():
        tool = registry.get(name)
        if tool is None:
            continue
        shown.append(
            {
                "name": name,
                "description": tool.spec.description,
                "tier": tiers.get(name, tool.tier),
                "own_tier": tool.tier,
                "reads_only": tool.reads_only,
                "idempotent": tool.idempotent,
                "untrusted": tool.untrusted,
                "timeout_seconds": tool.timeout,
                "input_schema": tool.spec.input_schema,
            }
        )
    return shown


def _team(actor: Actor, slug: str) -> int | None:
    mine = actor.teams_with(Right.VIEW)
    teams = Team.objects.order_by("id") if mine is None else Team.objects.filter(pk__in=mine).order_by("id")
    chosen = (teams.filter(slug=slug) if slug else teams).first()
    if slug and chosen is None:
        raise InvalidInput(f"There is no team {slug} that you may see.", "team")
    return chosen.pk if chosen else None


def _tiers(team_id: int | None) -> dict[str, str]:
    rows = ToolTier.objects.filter(Q(team=None) | Q(team_id=team_id)).order_by("team_id")
    # A team's own row comes before the one for every team, whose team_id sorts last.
    tiers: dict[str, str] = {}
    for row in rows:
        tiers.setdefault(row.tool, row.tier)
    return tiers
