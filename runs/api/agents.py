"""REST of agents: make one, change it, publish its versions, roll back, try a candidate beside the live version."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from ninja import Router
from ninja.responses import Status

from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput
from agentops.rest import Cursor, IdempotencyKey, Limit, Page, Request, access, once, page

from .. import actions
from ..actions.agents import state_of
from ..models import Agent, AgentVersion
from .agent_schemas import AgentChanges, AgentOut, AgentVersionOut, Live, NewAgent, NewVersion, Share
from .teams import TeamSlug, visible_teams

router = Router(tags=["Agents"], auth=access("runs:read"))
WRITE = access("admin")


@router.get("", response=Page[AgentOut], summary="List agents")
def list_agents(request: Request, cursor: Cursor = "", limit: Limit = 50, team: TeamSlug = "") -> dict[str, Any]:
    rows = _visible(request)
    return page(rows.filter(team__slug=team) if team else rows, cursor, limit, order=("name", "id"))


@router.post("", response={201: AgentOut, 200: AgentOut}, auth=WRITE, summary="Make an agent")
def create_agent(request: Request, body: NewAgent, idempotency_key: IdempotencyKey = "") -> Status[Agent]:
    """With its first version, live at once."""
    team = _team(request, body.team)
    agent, new = once(
        request,
        idempotency_key,
        body,
        lambda: actions.create_agent(
            request.actor,
            team.pk,
            name=body.name,
            title=body.title,
            description=body.description,
            example_goal=body.example_goal,
            note=body.version.note,
            **body.version.given(),
        ),
        _visible(request),
    )
    return Status(201 if new else 200, _visible(request).get(pk=agent.pk))


@router.get("/{slug:name}", response=AgentOut, summary="Read an agent")
def get_agent(request: Request, name: str, team: TeamSlug = "") -> Agent:
    rows = _visible(request).filter(name=name)
    found = list(rows.filter(team__slug=team) if team else rows)
    if not found:
        raise Agent.DoesNotExist
    if len(found) > 1:
        raise InvalidInput(_("Several of your teams have an agent %(name)s. Say which team.") % {"name": name}, "team")
    return found[0]


@router.patch("/{slug:name}", response=AgentOut, auth=WRITE, summary="Change what people read of an agent")
def change_agent(request: Request, name: str, body: AgentChanges, team: TeamSlug = "") -> Agent:
    """And switch it on and off: an inactive agent starts no new runs."""
    agent = get_agent(request, name, team)
    words = body.words()
    if words:
        actions.edit_agent(request.actor, agent, base=body.state or state_of(agent), words=words)
    if body.active is not None:
        actions.switch_agent(request.actor, agent, active=body.active)
    return get_agent(request, name, agent.team.slug)


@router.get("/{slug:name}/versions", response=Page[AgentVersionOut], summary="List an agent's versions, newest first")
def list_agent_versions(
    request: Request, name: str, cursor: Cursor = "", limit: Limit = 50, team: TeamSlug = ""
) -> dict[str, Any]:
    return page(get_agent(request, name, team).versions.all(), cursor, limit, order=("-number", "-id"))


@router.get("/{slug:name}/versions/{int:number}", response=AgentVersionOut, summary="Read a version of an agent")
def get_agent_version(request: Request, name: str, number: int, team: TeamSlug = "") -> AgentVersion:
    return get_agent(request, name, team).versions.get(number=number)


@router.post(
    "/{slug:name}/versions",
    response={201: AgentVersionOut, 200: AgentVersionOut},
    auth=WRITE,
    summary="Publish a version of an agent",
)
def publish_agent_version(
    request: Request, name: str, body: NewVersion, team: TeamSlug = "", idempotency_key: IdempotencyKey = ""
) -> Status[AgentVersion]:
    """Live at once, or with `candidate_percent` beside the live one. What is left out is as in the live version; 200
    with that one when nothing changed."""
    agent = get_agent(request, name, team)
    before = agent.live_id
    version, new = once(
        request,
        idempotency_key,
        body,
        lambda: actions.edit_agent(
            request.actor,
            agent,
            base=body.state or state_of(agent),
            words={},
            candidate_percent=body.candidate_percent,
            note=body.note,
            **body.given(),
        ),
        agent.versions.all(),
    )
    return Status(201 if new and version.pk != before else 200, version)


@router.put("/{slug:name}/live", response=AgentVersionOut, auth=WRITE, summary="Roll an agent back")
def roll_back_agent(request: Request, name: str, body: Live, team: TeamSlug = "") -> AgentVersion:
    """A new version that is as an earlier one was, live at once."""
    return actions.roll_back(request.actor, get_agent(request, name, team), body.version)


@router.put("/{slug:name}/candidate", response=AgentOut, auth=WRITE, summary="Give the candidate another share")
def share_candidate(request: Request, name: str, body: Share, team: TeamSlug = "") -> Agent:
    agent = get_agent(request, name, team)
    actions.share_candidate(request.actor, agent, body.percent, number=body.version)
    return get_agent(request, name, agent.team.slug)


@router.post("/{slug:name}/candidate/promotion", response=AgentOut, auth=WRITE, summary="Make the candidate live")
def promote_candidate(request: Request, name: str, team: TeamSlug = "") -> Agent:
    agent = get_agent(request, name, team)
    actions.promote_candidate(request.actor, agent, number=agent.candidate and agent.candidate.number)
    return get_agent(request, name, agent.team.slug)


@router.delete("/{slug:name}/candidate", response=AgentOut, auth=WRITE, summary="Withdraw the candidate")
def withdraw_candidate(request: Request, name: str, team: TeamSlug = "") -> Agent:
    """It takes no new runs any more; those under way keep it."""
    agent = get_agent(request, name, team)
    actions.withdraw_candidate(request.actor, agent, number=agent.candidate and agent.candidate.number)
    return get_agent(request, name, agent.team.slug)


def _team(request: Request, slug: str) -> Team:
    """The only one that you see, when none is named."""
    seen = visible_teams(request.actor)
    found = list((seen.filter(slug=slug) if slug else seen)[:2])
    if not found:
        raise InvalidInput(_("There is no team %(team)s that you may see.") % {"team": slug}, "team")
    if len(found) > 1:
        raise InvalidInput(_("You are in several teams. Say which one it is for."), "team")
    return found[0]


def _visible(request: Request) -> QuerySet[Agent]:
    return Agent.objects.visible_to(request.actor).select_related("team", "live", "candidate")
