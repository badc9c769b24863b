"""REST of tools: what this server knows, and the tier that each has for a team."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any

from django.db.models import Q
from ninja import Query, Router, Schema
from pydantic import Field

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tool
from agentops.rest import Cursor, Limit, Page, Request, access, page_of
from agentops.tools.registry import registry
from approvals.models import ToolTier

router = Router(tags=["Tools"], auth=access("runs:read"))

TeamSlug = Annotated[str, Query(max_length=80, description="A team's slug; needed when you are in several.")]


class ToolOut(Schema):
    name: str = Field(examples=["send_email"])
    description: str = Field(examples=["Send a mail."])
    tier: str = Field(
        description="What counts for the team before its policy's rules: its own setting, or the tool's.",
        examples=["high"],
    )
    own_tier: str = Field(description="What the tool's author declared.", examples=["medium"])
    reads_only: bool = Field(examples=[False])
    idempotent: bool = Field(examples=[False])
    untrusted: bool = Field(examples=[False], description="What it returns comes from outside and taints the run.")
    timeout_seconds: float = Field(examples=[30.0])
    input_schema: dict[str, Any] = Field(
        examples=[{"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}]
    )


@router.get("", response=Page[ToolOut], summary="List tools")
def list_tools(request: Request, team: TeamSlug = "", cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Every tool that this server knows. Which of them an agent may use is in the agent's version."""
    tiers = _tiers(_team(request.actor, team))
    known = [(name, tool) for name in registry.names() if (tool := registry.get(name))]
    found = page_of(known, cursor, limit, of="tools", name=itemgetter(0))
    return found | {"items": [_shown(name, tool, tiers) for name, tool in found["items"]]}


def _shown(name: str, tool: Tool, tiers: dict[str, str]) -> dict[str, Any]:
    return {
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
