"""Hands a part of the work to another agent, in a run of its own; the engine starts it and waits without a slot."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from agentops.core.tools import Tier, ToolResult, ToolSpec
from agentops.tools.escape import shorten
from agentops.tools.function import FunctionTool
from agentops.tools.registry import tool

NAME = "delegate"
_SHOWN = 300

Worker = tuple[str, str]
"""An agent's name, and what it is good for."""


def _effect(arguments: dict[str, Any]) -> str:
    return f"Hand to {arguments['agent']}: {shorten(' '.join(str(arguments['goal']).split()), _SHOWN)}"


@tool(
    tier=Tier.LOW,
    idempotent=True,
    starts_run=True,
    effect=_effect,
    hint="Say in the goal all that is needed: the other agent sees nothing of this conversation. Several calls in one "
    "turn are worked on at the same time. You are told the answer when it has ended.",
)
def delegate(
    agent: Annotated[str, Field(min_length=1, max_length=80, description="Name of the agent that is to do it.")],
    goal: Annotated[str, Field(min_length=3, max_length=20_000, description="What it is to do, complete in itself.")],
    inputs: Annotated[dict[str, Any], Field(description="What that agent's runs ask for, if anything, by name.")] = {},  # noqa: B006 - never mutated: the function is never run
    answer_schema: Annotated[
        dict[str, Any] | None, Field(description="JSON schema of its answer, where you need one you can rely on.")
    ] = None,
    max_steps: Annotated[int | None, Field(ge=1, le=10_000, description="Its steps, at most.")] = None,
    max_cost_usd: Annotated[float | None, Field(gt=0, le=100_000, description="What it may cost, at most.")] = None,
) -> ToolResult:
    """Hand a part of the work to another agent and wait for its answer. What it uses counts as yours."""
    return ToolResult("error", error="Only the engine can start a run.")


def offering(workers: Sequence[Worker]) -> FunctionTool:
    """The same tool, naming to the model the agents that it may hand work to."""
    listed = "\n".join(f"- {name}: {what}" if what else f"- {name}" for name, what in workers)
    schema = {**delegate.spec.input_schema}
    properties = {**schema["properties"]}
    properties["agent"] = {**properties["agent"], "enum": [name for name, _ in workers]}
    schema["properties"] = properties
    spec = ToolSpec(NAME, f"{delegate.spec.description}\n\nAgents you may hand work to:\n{listed}", schema)
    return dataclasses.replace(delegate, spec=spec)
