"""Runs as REST shows and takes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from agentops.rest import Body, Usd, listed

from ..models import Run, RunMessage

MAX_GOAL = 100_000
MAX_MESSAGE = 20_000
MAX_ANSWER = 4_000
INT = 2**31 - 1

RunStatus = Annotated[Run.Status, listed(Run.Status)]
Outcome = Annotated[Run.Outcome, listed(Run.Outcome)]
WaitingOn = Annotated[Run.WaitingOn, listed(Run.WaitingOn)]

Count = Annotated[int, Field(gt=0, le=INT, strict=True)]


class AnyLimits(Body):
    max_steps: Count | None = Field(None, examples=[60])
    max_tool_calls: Count | None = Field(None, examples=[120])
    max_tokens: Annotated[int, Field(gt=0, le=2**53, strict=True)] | None = Field(None, examples=[2_000_000])
    max_cost_usd: Annotated[Decimal, Field(gt=0, lt=1_000_000, decimal_places=8)] | None = Field(
        None, examples=["2.50"]
    )
    max_seconds: Count | None = Field(None, description="Working time; waiting does not count.", examples=[3600])

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Limits(AnyLimits):
    """Each may only be lowered below the agent's own; what is left out is the agent's."""


class RaisedLimits(AnyLimits):
    """Each above what it is now; what is left out stays."""


PRIORITY = "Within its team: 1 goes before 0, and -1 after it."


class NewRun(Body):
    agent: str = Field(max_length=80, description="Name of an agent that you may start.", examples=["support-desk"])
    goal: str = Field(min_length=1, max_length=MAX_GOAL, examples=["Answer the mail that came in today."])
    inputs: dict[str, Any] = Field(
        {}, description="What the agent asks for; one that asks for nothing takes anything.", examples=[{}]
    )
    limits: Limits = Field(default_factory=Limits, examples=[{"max_cost_usd": "0.50"}])
    team: str = Field("", max_length=80, description="The team's slug; needed only when two teams have such an agent.")
    priority: Annotated[int, Field(ge=-1, le=1, strict=True)] = Field(0, description=PRIORITY, examples=[0])


class Cancellation(Body):
    reason: str = Field("", max_length=2000, examples=["The customer called; not needed any more."])


class NewMessage(Body):
    text: str = Field(
        min_length=1, max_length=MAX_MESSAGE, examples=["Leave invoices to us; do the late deliveries first."]
    )


class Answer(Body):
    text: str = Field(min_length=1, max_length=MAX_ANSWER, examples=["Refund the shipping only."])
    call: Annotated[int, Field(gt=0, le=2**53, strict=True)] | None = Field(
        None, description="The tool call that asks; needed only when several do.", examples=[None]
    )


class Continuation(Body):
    limits: RaisedLimits = Field(default_factory=RaisedLimits, examples=[{"max_steps": 60}])


class RunLimits(Schema):
    max_steps: int = Field(examples=[30])
    max_tool_calls: int = Field(examples=[60])
    max_tokens: int = Field(examples=[1_000_000])
    max_cost_usd: Usd
    max_seconds: int = Field(examples=[1800])


class RunOut(Schema):
    id: UUID
    agent: str = Field(examples=["support-desk"])
    agent_version: int | None = Field(description="Null once the agent was deleted.")
    team: str = Field(description="The team's slug.", examples=["shop"])
    parent: UUID | None = Field(description="The run that waits for this one's result; null when a person started it.")
    depth: int = Field(description="How many runs stand above it.", examples=[0])
    goal: str = Field(examples=["Answer the mail that came in today."])
    inputs: dict[str, Any] = Field(examples=[{}])
    status: RunStatus = Field(examples=["queued"])
    waiting_on: str = Field(
        description=f"Of a waiting run: {', '.join(Run.WaitingOn.values)}; else empty.", examples=[""]
    )
    waiting_since: datetime | None
    stop_reason: str = Field(description="Why it ended; empty while it lives.", examples=[""])
    stop_detail: str = Field(examples=[""])
    answer: str = Field(examples=[""])
    answer_data: Any = Field(
        description="The answer as the agent's `answer_schema` has it; null where there is none.", examples=[None]
    )
    outcome: Outcome | Literal[""] = Field(
        description="Whether the answer met the agent's success criteria, apart from how the run ended; empty where "
        "nothing says what completed means, or nobody could tell.",
        examples=["completed"],
    )
    outcome_detail: str = Field(description="What the answer misses, or why nobody could tell.", examples=[""])
    tainted_by: str = Field(description="What it read from outside first; empty: nothing.", examples=[""])
    unread: int = Field(description="Messages of people that no step has read yet.", examples=[0])
    forked_from: UUID | None = Field(description="The run whose steps before `forked_step` it shares.", examples=[None])
    forked_step: int | None = Field(examples=[None])
    undoes: UUID | None = Field(description="The run whose actions it takes back.", examples=[None])
    taken_over_by: str = Field(description="Who chooses its calls in the agent's place.", examples=[""])
    cost_usd: Usd
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    steps: int
    tool_calls: int
    seq: int = Field(description="Number of the last event.")
    priority: int = Field(description=PRIORITY, examples=[0])
    limits: RunLimits
    started_by: str = Field(examples=["ada"])
    started_via: str = Field(examples=["api"])
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
    def resolve_forked_from(run: Run) -> UUID | None:
        return run.forked_from_id

    @staticmethod
    def resolve_undoes(run: Run) -> UUID | None:
        return run.undoes_id

    @staticmethod
    def resolve_parent(run: Run) -> UUID | None:
        return run.parent_id

    @staticmethod
    def resolve_team(run: Run) -> str:
        return run.team.slug

    @staticmethod
    def resolve_limits(run: Run) -> Run:
        return run

    @staticmethod
    def resolve_started_by(run: Run) -> str:
        return run.started_by_name


class MessageOut(Schema):
    """What a person said to a run. `step` is the number of the step that read it; null while it is unread."""

    id: int
    text: str = Field(examples=["Leave invoices to us; do the late deliveries first."])
    by: str = Field(examples=["ada"])
    sent_at: datetime
    step: int | None

    @staticmethod
    def resolve_by(message: RunMessage) -> str:
        return message.by_name

    @staticmethod
    def resolve_step(message: RunMessage) -> int | None:
        return message.step.number if message.step else None
