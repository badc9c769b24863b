"""The rows a benchmark runs on: a team, an agent with trivial tools, runs ready to be taken."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from agentops.accounts.access import SetUp
from agentops.accounts.models import Team
from agentops.core.tools import Tier
from agentops.tools.registry import tool
from runs.actions import publish_agent
from runs.models import Agent, Run

LIMITS = {
    "max_steps": 1000,
    "max_tool_calls": 1000,
    "max_tokens": 10**9,
    "max_cost_usd": Decimal(1000),
    "max_seconds": 36_000,
}


@tool(reads_only=True)
async def bench_look(number: int) -> int:
    """Give the number back."""
    return number


@tool(tier=Tier.HIGH, effect="Act on {number}", idempotent=True)
async def bench_act(number: int) -> int:
    """Give the number back, when somebody agrees."""
    return number


def agent(name: str = "bench", chain: Sequence[str] = ("scripted",)) -> Agent:
    team, _ = Team.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    found, created = Agent.objects.get_or_create(team=team, name=name, defaults={"title": name})
    if created:
        publish_agent(
            SetUp(),
            found,
            system_prompt="You are measured.",
            tools=["bench_look", "bench_act"],
            model_chain=list(chain),
            **LIMITS,
        )
    return found


def queue(found: Agent, count: int, goals: str | list[str] = "Go.", *, due: bool = True, **more: Any) -> list[Run]:
    """Runs that wait for a worker; those that are not `due` have no time yet."""
    return Run.objects.bulk_create(
        Run(
            team=found.team,
            agent=found,
            agent_name=found.name,
            version=found.live,
            goal=goals if isinstance(goals, str) else goals[number],
            wake_at=Now() if due else None,
            **LIMITS,
            **more,
        )
        for number in range(count)
    )
