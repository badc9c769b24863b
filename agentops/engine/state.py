"""What a worker knows of the run it holds: a mirror of the rows, right as long as the lease is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentops.core.messages import Message
from agentops.core.states import CALL_FINAL, CallStatus
from agentops.core.tools import ToolResult


@dataclass(frozen=True, slots=True)
class Limits:
    """At a limit a run stops with its partial result and says which. Seconds are working time, without waiting."""

    max_steps: int
    max_tool_calls: int
    max_parallel_calls: int
    max_tokens: int
    max_cost_usd: Decimal
    max_seconds: int


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """The part of an agent's version that the loop needs."""

    name: str
    title: str
    system_prompt: str
    tools: tuple[str, ...]
    chain: tuple[str, ...]
    max_output_tokens: int


@dataclass(slots=True)
class Call:
    """A tool call as its row has it."""

    position: int
    tool_use_id: str
    tool: str
    raw_arguments: Any
    arguments: dict[str, Any]
    status: CallStatus
    id: int = 0
    tier: str = ""
    effect: str = ""
    idempotent: bool = False
    reads_only: bool = False
    bound_hash: str = ""
    policy_version_id: int | None = None
    rule: str = ""
    reason: str = ""
    asks_person: bool = False
    edited_by: str = ""
    """Who changed its arguments before approving it."""
    due_in: float = 0.0
    """Seconds until an approved call may start: the time in which the approval may be taken back."""
    result: ToolResult | None = None
    duration_ms: int | None = None
    stale: bool = False
    """It was executing under an earlier lease, whose worker is gone."""

    @property
    def final(self) -> bool:
        return self.status in CALL_FINAL


@dataclass(slots=True)
class OpenStep:
    """A step whose model call is under way."""

    id: int
    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says to the run while it lives."""

    id: int
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks before deciding about a call that is held."""

    id: int
    by: str
    question: str
    effect: str


@dataclass(slots=True)
class RunState:
    id: str
    team_id: int
    goal: str
    inputs: dict[str, Any]
    agent: AgentSpec
    limits: Limits
    fence: int
    messages: list[Message] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    """The tool calls of the last answered step."""
    step_id: int = 0
    turn: int = 0
    """The number of the step that `calls` belong to."""
    asked: list[Asked] = field(default_factory=list)
    """Questions about held calls that nobody has answered yet."""
    cut_off_aside: OpenStep | None = None
    """The answer to such a question that a dead worker had begun."""
    steps: int = 0
    tool_calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    active_ms: int = 0
    tainted_by: str = ""
    known_tokens: int = 0
    """Tokens of the conversation that the provider has counted; what came since is counted in bytes."""
    counted_messages: int = 0
    interrupted: OpenStep | None = None
    """A step that was calling the model when its worker died, or that waits for another try."""
    tries: int = 0
    """How often the open step was tried and given up."""

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if not call.final]
