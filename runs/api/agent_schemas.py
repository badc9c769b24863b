"""Agents and their versions as REST shows and takes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, StrictBool

from agentops.rest import Body, Usd, listed

from ..actions.agents import state_of
from ..models import Agent, AgentVersion

Count = Annotated[int, Field(gt=0, le=2**31 - 1, strict=True)]
Percent = Annotated[int, Field(ge=1, le=99, strict=True)]
PROMPT = "You answer customers' mail. Be brief and kind."
STATE = "`state` of the agent as you read it: 409 when somebody changed it since. Empty: no check."


class InputIn(Body):
    """What the agent asks for when a run starts."""

    name: str = Field(max_length=40, examples=["order_number"])
    label: str = Field("", max_length=120, examples=["Order number"])
    kind: Literal["text", "long", "number", "choice", "yes_no", "date"] = "text"
    required: StrictBool = False
    help: str = Field("", max_length=300, examples=["As on the invoice."])
    choices: list[str] = Field([], max_length=50, description="Of a choice.")
    default: str | float | bool | None = None


class CheckIn(Body):
    """An expression over the answer and what was done. False, or in error: the task is not completed."""

    kind: Literal["check"]
    expression: str = Field(
        max_length=2_000,
        description="CEL over `answer` (its words), `data` (its JSON, or null), `tools` (names of those that did what "
        "they were called for), `steps` and `cost_usd`.",
        examples=["'refund' in tools && answer.contains('A-1042')"],
    )
    message: str = Field(
        max_length=500,
        description="What is missing when it is false.",
        examples=["Make the refund and name the order."],
    )


class JudgeIn(Body):
    """A question that a model answers with yes or no, in a step of its own."""

    kind: Literal["judge"]
    question: str = Field(max_length=2_000, examples=["Does the answer name every open order?"])


Criterion = Annotated[CheckIn | JudgeIn, Field(discriminator="kind")]
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
JUDGED = [{"kind": "judge", "question": "Does the answer name every open order?"}]
NULLABLE = ("context_tokens", "answer_schema")
"""For these null is a value: what its models take, an answer in words."""


class Fields(Body):
    system_prompt: str | None = Field(None, max_length=100_000, examples=[PROMPT])
    tools: list[Annotated[str, Field(max_length=128)]] | None = Field(None, max_length=200, examples=[["read_file"]])
    model_chain: list[Annotated[str, Field(max_length=120)]] | None = Field(
        None, max_length=20, description="Models in order of preference.", examples=[["claude-sonnet-4-5"]]
    )
    inputs: list[InputIn] | None = Field(None, max_length=20, examples=[[]])
    max_output_tokens: Count | None = Field(None, examples=[4096])
    max_parallel_calls: Annotated[int, Field(gt=0, le=100, strict=True)] | None = Field(
        None, description="Tool calls in one turn.", examples=[8]
    )
    max_steps: Count | None = Field(None, examples=[30])
    max_tool_calls: Count | None = Field(None, examples=[60])
    max_tokens: Annotated[int, Field(gt=0, le=10**12, strict=True)] | None = Field(None, examples=[1_000_000])
    max_cost_usd: Annotated[Decimal, Field(gt=0, le=100_000, decimal_places=8)] | None = Field(None, examples=["1.00"])
    max_seconds: Count | None = Field(None, examples=[1800])
    planning: Annotated[AgentVersion.Planning, listed(AgentVersion.Planning)] | None = Field(
        None,
        description="`plan`: it first writes its steps, each carried out by a run of its own; `reviewed`: after a "
        "person has approved them.",
        examples=["none"],
    )
    delegates_to: list[Annotated[str, Field(max_length=80)]] | None = Field(
        None, max_length=50, description="Names of agents of the team that it may hand work to.", examples=[["clerk"]]
    )
    max_children: Annotated[int, Field(gt=0, le=1_000, strict=True)] | None = Field(
        None, description="Runs that a run of it may start, in all.", examples=[20]
    )
    max_parallel_children: Annotated[int, Field(gt=0, le=100, strict=True)] | None = Field(
        None, description="Of these at once; at most `max_children`.", examples=[4]
    )
    max_depth: Annotated[int, Field(gt=0, le=10, strict=True)] | None = Field(
        None, description="Levels of runs below it.", examples=[2]
    )
    context_tokens: Annotated[int, Field(ge=4_000, le=100_000_000, strict=True)] | None = Field(
        None, description="What a request may hold; null: what its models take.", examples=[100_000]
    )
    summary_chain: list[Annotated[str, Field(max_length=120)]] | None = Field(
        None, max_length=20, description="Models that summarise and judge; empty: its own.", examples=[[]]
    )
    answer_schema: dict[str, Any] | None = Field(
        None,
        description="JSON schema (draft 2020-12, at most 64 kB, referring only to itself) that the final answer must "
        "fit; null: it answers in words.",
        examples=[SCHEMA],
    )
    success: list[Criterion] | None = Field(
        None,
        max_length=10,
        description="What an answer must meet for the task to count as completed; all of it.",
        examples=[JUDGED],
    )
    note: str = Field("", max_length=200, description="What changed, for people.", examples=["Shorter answers."])

    def given(self) -> dict[str, Any]:
        """What becomes the version, without what says how."""
        given = self.model_dump(exclude_none=True, exclude={"note", "candidate_percent", "state"})
        return given | {name: getattr(self, name) for name in NULLABLE if name in self.model_fields_set}


class FirstVersion(Fields):
    """What is left out has a default that works."""

    system_prompt: str = Field(min_length=1, max_length=100_000, examples=[PROMPT])
    model_chain: list[Annotated[str, Field(max_length=120)]] = Field(
        min_length=1, max_length=20, description="Models in order of preference.", examples=[["claude-sonnet-4-5"]]
    )


class NewVersion(Fields):
    candidate_percent: Percent | None = Field(
        None, description="The share of new runs that tries it beside the live version.", examples=[None]
    )
    state: str = Field("", max_length=80, description=STATE, examples=[""])


class NewAgent(Body):
    team: str = Field("", max_length=80, description="The team's slug; needed when you are in several.")
    name: str = Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", examples=["returns"])
    title: str = Field(min_length=1, max_length=120, examples=["Returns"])
    description: str = Field("", max_length=10_000, examples=["Settles returned parcels."])
    example_goal: str = Field("", max_length=10_000, examples=["Settle the return of order A-1042."])
    version: FirstVersion


class AgentChanges(Body):
    title: str | None = Field(None, min_length=1, max_length=120, examples=["Returns and refunds"])
    description: str | None = Field(None, max_length=10_000, examples=["Settles returned parcels."])
    example_goal: str | None = Field(None, max_length=10_000, examples=["Settle the return of order A-1042."])
    active: StrictBool | None = Field(None, examples=[True])
    state: str = Field("", max_length=80, description=STATE, examples=[""])

    def words(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True, exclude={"active", "state"})


class Live(Body):
    version: Count = Field(description="Number of the version to go back to.", examples=[1])


class Share(Body):
    percent: Percent = Field(examples=[20])
    version: Count | None = Field(None, description="The candidate that you saw.", examples=[None])


class AgentVersionOut(Schema):
    number: int
    note: str = Field(description="What changed, for people.", examples=["Shorter answers."])
    system_prompt: str = Field(examples=[PROMPT])
    tools: list[str] = Field(examples=[["read_file", "send_email"]])
    model_chain: list[str] = Field(examples=[["claude-sonnet-4-5"]])
    inputs: list[dict[str, Any]] = Field(description="What its start form asks for.", examples=[[]])
    max_output_tokens: int = Field(examples=[4096])
    max_steps: int = Field(examples=[30])
    max_tool_calls: int = Field(examples=[60])
    max_parallel_calls: int = Field(examples=[8])
    max_tokens: int = Field(examples=[1_000_000])
    max_cost_usd: Usd
    max_seconds: int = Field(examples=[1800])
    planning: Annotated[AgentVersion.Planning, listed(AgentVersion.Planning)] = Field(examples=["none"])
    delegates_to: list[str] = Field(description="Agents that it may hand work to.", examples=[["clerk"]])
    max_children: int = Field(examples=[20])
    max_parallel_children: int = Field(examples=[4])
    max_depth: int = Field(examples=[2])
    context_tokens: int | None = Field(description="Null: what its models take.", examples=[None])
    summary_chain: list[str] = Field(description="Models that summarise and judge; empty: its own.", examples=[[]])
    answer_schema: dict[str, Any] | None = Field(
        description="What its final answer must fit; null: words.", examples=[SCHEMA]
    )
    success: list[dict[str, Any]] = Field(
        description="What an answer must meet for the task to count as completed.", examples=[JUDGED]
    )
    by: str = Field(examples=["ada"])
    created_at: datetime

    @staticmethod
    def resolve_by(version: AgentVersion) -> str:
        return version.created_by_name


class AgentOut(Schema):
    name: str = Field(examples=["support-desk"])
    title: str = Field(examples=["Support desk"])
    description: str = Field(examples=["Answers customers' mail."])
    example_goal: str = Field(examples=["Answer the mail that came in today."])
    team: str = Field(description="The team's slug.", examples=["shop"])
    active: bool
    version: AgentVersionOut | None = Field(description="The live one; null until the first is published.")
    candidate: AgentVersionOut | None = Field(description="Tried on a share of new runs.", examples=[None])
    candidate_percent: int = Field(examples=[0])
    state: str = Field(description="Changes with every edit; send it back with yours.", examples=["3.0.9f86d081884c"])

    @staticmethod
    def resolve_team(agent: Agent) -> str:
        return agent.team.slug

    @staticmethod
    def resolve_version(agent: Agent) -> AgentVersion | None:
        return agent.live

    @staticmethod
    def resolve_state(agent: Agent) -> str:
        return state_of(agent)
