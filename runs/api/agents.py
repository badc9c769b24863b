"""REST of agents: what each is, and its live version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from ninja import Router, Schema
from pydantic import Field

from agentops.core.errors import InvalidInput
from agentops.rest import Cursor, Limit, Page, Request, Usd, access, page

from ..models import Agent, AgentVersion
from .tools import TeamSlug

router = Router(tags=["Agents"], auth=access("runs:read"))


class AgentVersionOut(Schema):
    number: int
    note: str = Field(description="What changed, for people.", examples=["Shorter answers."])
    system_prompt: str = Field(examples=["You answer customers' mail."])
    tools: list[str] = Field(examples=[["read_file", "send_email"]])
    model_chain: list[str] = Field(examples=[["claude-sonnet-4-5"]])
    max_output_tokens: int = Field(examples=[4096])
    max_steps: int = Field(examples=[30])
    max_tool_calls: int = Field(examples=[60])
    max_parallel_calls: int = Field(examples=[8])
    max_tokens: int = Field(examples=[1_000_000])
    max_cost_usd: Usd
    max_seconds: int = Field(examples=[1800])
    created_at: datetime


class AgentOut(Schema):
    name: str = Field(examples=["support-desk"])
    title: str = Field(examples=["Support desk"])
    description: str
    example_goal: str
    team: str = Field(description="The team's slug.", examples=["shop"])
    active: bool
    version: AgentVersionOut | None = Field(description="The live one; null until the first is published.")

    @staticmethod
    def resolve_team(agent: Agent) -> str:
        return agent.team.slug

    @staticmethod
    def resolve_version(agent: Agent) -> AgentVersion | None:
        return agent.live


@router.get("", response=Page[AgentOut], summary="List agents")
def list_agents(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(_visible(request), cursor, limit, order=("name", "id"))


@router.get("/{slug:name}", response=AgentOut, summary="Read an agent")
def get_agent(request: Request, name: str, team: TeamSlug = "") -> Agent:
    return agent_named(request, name, team)


def agent_named(request: Request, name: str, team: str) -> Agent:
    rows = _visible(request).filter(name=name)
    found = list(rows.filter(team__slug=team) if team else rows)
    if not found:
        raise Agent.DoesNotExist
    if len(found) > 1:
        raise InvalidInput(f"Several of your teams have an agent {name}. Say which team.", "team")
    return found[0]


def _visible(request: Request) -> QuerySet[Agent]:
    return Agent.objects.visible_to(request.actor).select_related("team", "live")
