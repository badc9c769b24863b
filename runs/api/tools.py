"""REST of tools: what this server knows, and the tier that each has for a team."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import Field

from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tool
from agentops.rest import Body, Cursor, Limit, Page, Request, access, page_of
from agentops.tools.registry import registry
from approvals.actions.tiers import clear_tier, set_tier
from approvals.models import Tier, ToolTier

from .teams import TeamSlug, visible_teams

router = Router(tags=["Tools"], auth=access("runs:read"))
ADMIN = access("admin")


class ToolOut(Schema):
    name: str = Field(examples=["send_email"])
    description: str = Field(examples=["Send a mail."])
    tier: Tier = Field(
        description="What counts for the team before its policy's rules: its own setting, or the tool's.",
        examples=["high"],
    )
    own_tier: Tier = Field(description="What the tool's author declared.", examples=["medium"])
    reads_only: bool = Field(examples=[False])
    idempotent: bool = Field(examples=[False])
    untrusted: bool = Field(examples=[False], description="What it returns comes from outside and taints the run.")
    timeout_seconds: float = Field(examples=[30.0])
    input_schema: dict[str, Any] = Field(
        examples=[{"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}]
    )


class TierIn(Body):
    tier: Tier = Field(examples=["high"])
    timer_seconds: Annotated[int, Field(gt=0, le=2**31 - 1, strict=True)] | None = Field(
        None, description="Of medium: how long before it approves itself; null: 300.", examples=[None]
    )
    team: str | None = Field(
        None, max_length=80, description="A team's slug; null: every team, a superuser's to set.", examples=["shop"]
    )


@router.get("", response=Page[ToolOut], summary="List tools")
def list_tools(request: Request, team: TeamSlug = "", cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Every tool that this server knows. Which of them an agent may use is in the agent's version."""
    tiers = _tiers(_team(request, team))
    known = [(name, tool) for name in registry.names() if (tool := registry.get(name))]
    found = page_of(known, cursor, limit, of="tools", name=itemgetter(0))
    return found | {"items": [_told(name, tool, tiers) for name, tool in found["items"]]}


@router.get("/{name}", response=ToolOut, summary="Read a tool")
def get_tool(request: Request, name: str, team: TeamSlug = "") -> dict[str, Any]:
    return _told(name, _known(name), _tiers(_team(request, team)))


@router.put("/{name}/tier", response=ToolOut, auth=ADMIN, summary="Set a tool's tier")
def put_tier(request: Request, name: str, body: TierIn) -> dict[str, Any]:
    """For a team or for every team, in place of its author's. It counts from each run's next step on."""
    tool, team = _known(name), _named(request, body.team)
    set_tier(request.actor, name, body.tier, team_id=team and team.pk, timer_seconds=body.timer_seconds)
    return _told(name, tool, _tiers(team))


@router.delete("/{name}/tier", response={204: None}, auth=ADMIN, summary="Take a tool's tier back")
def delete_tier(request: Request, name: str, team: TeamSlug = "") -> None:
    """Without `team`, the one for every team. The wider setting counts again, or the tool's own tier."""
    _known(name)
    found = _named(request, team or None)
    clear_tier(request.actor, name, team_id=found and found.pk)


def _known(name: str) -> Tool:
    tool = registry.get(name)
    if tool is None:
        raise Http404
    return tool


def _told(name: str, tool: Tool, tiers: dict[str, str]) -> dict[str, Any]:
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


def _team(request: Request, slug: str) -> Team | None:
    """The first that one sees, when none is named."""
    return _named(request, slug) if slug else visible_teams(request.actor).first()


def _named(request: Request, slug: str | None) -> Team | None:
    if slug is None:
        return None
    if (team := visible_teams(request.actor).filter(slug=slug).first()) is None:
        raise InvalidInput(_("There is no team %(team)s that you may see.") % {"team": slug}, "team")
    return team


def _tiers(team: Team | None) -> dict[str, str]:
    rows = ToolTier.objects.filter(Q(team=None) | Q(team=team)).order_by("team_id")
    # A team's own row comes before the one for every team, whose team_id sorts last.
    tiers: dict[str, str] = {}
    for row in rows:
        tiers.setdefault(row.tool, row.tier)
    return tiers
