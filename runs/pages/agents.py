"""What each agent does, with which tools, within which limits, and how it went lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from agentops.tools.registry import registry
from approvals.models import ToolTier
from runs.models import Agent, Run

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ToolLine:
    name: str
    tier: str
    """The admin's, else the tool's own; "" when no such tool is installed. Rules of the policy may raise it."""
    does: str


@dataclass
class Card:
    agent: Agent
    tools: list[ToolLine]
    may_start: bool
    ended: int
    succeeded: int
    cost_usd: Decimal | None

    @property
    def success_percent(self) -> int | None:
        return round(100 * self.succeeded / self.ended) if self.ended else None

    @property
    def cost_each(self) -> Decimal | None:
        return self.cost_usd / self.ended if self.ended and self.cost_usd else None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    agents = list(Agent.objects.visible_to(request.actor).select_related("live", "team"))
    tiers = _tiers([agent.team_id for agent in agents])
    lately = _lately([agent.pk for agent in agents])
    cards = [
        Card(
            agent,
            [_line(name, agent.team_id, tiers) for name in (agent.live.tools if agent.live else [])],
            agent.active and agent.live is not None and request.actor.can(Right.OPERATE, agent.team_id),
            **lately.get(agent.pk, {"ended": 0, "succeeded": 0, "cost_usd": None}),
        )
        for agent in agents
    ]
    return render(request, "runs/agents.html", {"cards": cards, "days": LATELY.days})


def _tiers(teams: list[int]) -> dict[tuple[int | None, str], str]:
    rows = ToolTier.objects.filter(Q(team=None) | Q(team_id__in=teams))
    return {(row.team_id, row.tool): row.tier for row in rows}


def _line(name: str, team_id: int, tiers: dict[tuple[int | None, str], str]) -> ToolLine:
    tool = registry.get(name)
    own = tool.tier.value if tool else ""
    tier = tiers.get((team_id, name)) or tiers.get((None, name)) or own
    return ToolLine(name, tier, tool.spec.description.partition("\n")[0] if tool else "")


def _lately(agents: list[int]) -> dict[int, dict[str, Any]]:
    """Ended runs of the last days; one query for all agents."""
    rows = (
        Run.objects.filter(agent_id__in=agents, created_at__gte=timezone.now() - LATELY, ended_at__isnull=False)
        .order_by()
        .values("agent_id")
        .annotate(
            ended=Count("id"),
            succeeded=Count("id", filter=Q(status=Run.Status.SUCCEEDED)),
            spent=Sum("cost_usd"),
        )
    )
    return {
        row["agent_id"]: {"ended": row["ended"], "succeeded": row["succeeded"], "cost_usd": row["spent"]}
        for row in rows
    }
