"""Runs, agents and tools as REST shows and takes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from agentops.rest import Body, Usd

from .models import Agent, AgentVersion, Run, Step, ToolCall

MAX_GOAL = 100_000
INT = 2**31 - 1

Count = Annotated[int, Field(gt=0, le=INT, strict=True)]


class Limits(Body):
    """Each may only be lowered below the agent's own; what is left out is the agent's."""

    max_steps: Count | None = None
    max_tool_calls: Count | None = None
    max_tokens: Annotated[int, Field(gt=0, le=2**53, strict=True)] | None = None
    max_cost_usd: Annotated[Decimal, Field(gt=0, lt=1_000_000, decimal_places=8)] | None = None
    max_seconds: Count | None = None

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class NewRun(Body):
    agent: str = Field(max_length=80, description="Name of an agent that you may start.", examples=["support-desk"])
    goal: str = Field(min_length=1, max_length=MAX_GOAL, examples=["Answer the mail that came in today."])
    inputs: dict[str, Any] = Field({}, description="Anything that the agent should know, as JSON.")
    limits: Limits = Field(default_factory=Limits)
    team: str = Field("", max_length=80, description="The team's slug; needed only when two teams have such an agent.")


class Cancellation(Body):
    reason: str = Field("", max_length=2000)


class Resolution(Body):
    """What a person found out about a call whose worker died in the middle of it."""

    outcome: Literal["happened", "did_not_happen", "do_it_now"]
    note: str = Field("", max_length=2000, description="Told to the agent.")


class RunLimits(Schema):
    max_steps: int
    max_tool_calls: int
    max_tokens: int
    max_cost_usd: Usd
    max_seconds: int


class RunOut(Schema):
    id: UUID
    agent: str
    agent_version: int | None = Field(description="Null once the agent was deleted.")
    team: str
    goal: str
    inputs: dict[str, Any]
    status: Run.Status
    waiting_on: str = Field(description=f"Of a waiting run: {', '.join(Run.WaitingOn.values)}; else empty.")
    waiting_since: datetime | None
    stop_reason: str
    stop_detail: str
    answer: str
    tainted_by: str
    cost_usd: Usd
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    steps: int
    tool_calls: int
    seq: int = Field(description="Number of the last event.")
    limits: RunLimits
    started_by: str
    started_via: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @staticmethod
    def resolve_agent(run: Run) -> str:
        return run.agent_name

    @staticmethod
    def resolve_agent_version(run: Run) -> int | None:
        return run.version.number if run.version else None

    @staticmethod
    def resolve_team(run: Run) -> str:
        return run.team.slug

    @staticmethod
    def resolve_limits(run: Run) -> Run:
        return run

    @staticmethod
    def resolve_started_by(run: Run) -> str:
        return run.started_by_name


class StepOut(Schema):
    number: int
    status: Step.Status
    input: dict[str, Any]
    output: list[dict[str, Any]]
    model: str
    stop_reason: str
    error: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Usd
    first_token_ms: int | None
    opened_at: datetime
    answered_at: datetime | None


class ToolCallOut(Schema):
    id: int
    step: int
    tool: str
    raw_arguments: Any = Field(description="As the model wrote them.")
    arguments: Any = Field(description="Validated, with defaults: what runs.")
    status: ToolCall.Status
    tier: str
    effect: str
    rule: str
    reason: str
    result: dict[str, Any] | None
    result_text: str
    untrusted_source: str
    resolved_by: str
    proposed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None

    @staticmethod
    def resolve_step(call: ToolCall) -> int:
        return call.step.number

    @staticmethod
    def resolve_resolved_by(call: ToolCall) -> str:
        return call.resolved_by_name


class EventOut(Schema):
    seq: int
    kind: str
    data: dict[str, Any]
    at: datetime


class Events(Schema):
    items: list[EventOut]
    seq: int = Field(description="The run's last event; when it is beyond your last item, ask again.")


class VersionOut(Schema):
    number: int
    system_prompt: str
    tools: list[str]
    model_chain: list[str]
    max_output_tokens: int
    max_steps: int
    max_tool_calls: int
    max_parallel_calls: int
    max_tokens: int
    max_cost_usd: Usd
    max_seconds: int
    created_at: datetime


class AgentOut(Schema):
    name: str
    title: str
    description: str
    example_goal: str
    team: str
    active: bool
    version: VersionOut | None

    @staticmethod
    def resolve_team(agent: Agent) -> str:
        return agent.team.slug

    @staticmethod
    def resolve_version(agent: Agent) -> AgentVersion | None:
        return agent.live


class ToolOut(Schema):
    name: str
    description: str
    tier: str = Field(description="What counts for the team before its policy's rules: its own setting, or the tool's.")
    own_tier: str = Field(description="What the tool's author declared.")
    reads_only: bool
    idempotent: bool
    untrusted: bool
    timeout_seconds: float
    input_schema: dict[str, Any]
