"""Which version of its agent a new run gets, and what it may use at most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from .models import Agent, AgentVersion

LIMITS = {
    "max_steps": 10_000,
    "max_tool_calls": 10_000,
    "max_tokens": 10**12,
    "max_cost_usd": Decimal(100_000),
    "max_seconds": 30 * 86_400,
}
"""What may be limited, and the highest value that makes sense."""


def version_for(agent: Agent, run_id: UUID) -> AgentVersion:
    """The candidate for its share of new runs, else the live one. One run's id always gives the same."""
    chosen = agent.candidate if run_id.int % 100 < agent.candidate_percent else None
    return chosen or agent.live  # type: ignore[return-value] # whoever starts a run has seen that one is live


def own_limits(version: AgentVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in LIMITS}


def needs(version: AgentVersion) -> int:
    """The oldest worker protocol that can carry its runs: the first plans, hands over and judges nothing."""
    return 2 if version.starts_runs or version.answer_schema is not None or version.success else 1
