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
class Lent:
    """What a run's children have used or may still use: it counts as the run's own."""

    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    tool_calls: int = 0


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """The part of an agent's version that the loop needs."""

    name: str
    title: str
    system_prompt: str
    tools: tuple[str, ...]
    chain: tuple[str, ...]
    max_output_tokens: int
    answer_schema: dict[str, Any] | None = None
    """JSON schema of the final answer."""
    success: tuple[dict[str, Any], ...] = ()
    """What an answer must meet for the task to count as completed."""
    summary_chain: tuple[str, ...] = ()
    """The models that shorten its conversation; its own when there are none."""
    context_tokens: int | None = None
    """What a request may hold; None: what its models take."""
    delegates: tuple[tuple[str, str], ...] = ()
    """The agents that it may hand work to: name, and what each is good for."""
    plans: bool = False
    """It makes a plan first, whose steps other runs carry out; its own turn is the last one."""

    @property
    def checked(self) -> bool:
        """Something says what completed means."""
        return bool(self.success) or self.answer_schema is not None

    @property
    def missed(self) -> str:
        """The outcome of a run that ends without an answer that is good enough."""
        return "not_completed" if self.checked else ""


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
    starts_run: bool = False
    ordered_by: str = ""
    """Who chose it in the model's place."""
    undoes: int | None = None
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
    kind: str = "turn"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a step begins with. `reminder` is told with the message and not kept in the conversation."""

    message: Message
    kind: str = "turn"
    reminder: str = ""
    recovery: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A call that somebody but the model chose: a person who has taken over, an undo, or the engine itself."""

    tool: str
    arguments: dict[str, Any]
    by: str
    note: str = ""
    undoes: int | None = None
    """The call that it takes back."""
    stored: bool = True
    """It stands in the run's row; the engine's own do not: they follow from the conversation."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A call that changes something, and what came of it."""

    step: int
    effect: str
    outcome: str


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """`met` is None when there was no verdict; `why` says what is missing, or what stood in the way."""

    met: bool | None
    why: str = ""
    again: bool = False
    """Nobody could read it: the model is asked once more."""


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
    lent: Lent = field(default_factory=Lent)
    known_tokens: int = 0
    """Tokens of the conversation that the provider has counted; what came since is counted in bytes."""
    counted_messages: int = 0
    shortened: bool = False
    """The conversation was shortened since: `known_tokens` is no more than a bound."""
    interrupted: OpenStep | None = None
    """A step that was calling the model when its worker died, or that waits for another try."""
    stop_reason: str = ""
    """Why the last answer ended, in the provider's word."""
    begin_with: Message | None = None
    """The first message of a fork, whose history is another run's."""
    begin_words: str = ""
    """What its maker said at the fork."""
    orders: list[Order] = field(default_factory=list)
    taken_over: bool = False
    """A person chooses the calls; the model is not asked."""
    undoing: bool = False
    """It takes back another run's actions: when its orders are carried out it ends."""
    workspace_of: str = ""
    """The run in whose folder it works, when that is not its own."""
    forked_from: str = ""
    """The run whose files it begins with."""
    escalated: bool = False
    """A person was asked in the agent's place at least once."""
    deeds: list[Deed] = field(default_factory=list)
    """What changed something, oldest first; the latest ones only."""
    deeds_before: int = 0
    """How many there were before these."""
    facts: dict[str, str] = field(default_factory=dict)
    """What the agent noted, by name."""
    used: set[str] = field(default_factory=set)
    """Names of the tools that did what they were called for."""
    judgements: list[Judgement] = field(default_factory=list)
    """What a model said of the last answer; none of an answer that was not looked at."""
    tries: int = 0
    """How often the open step was tried and given up."""

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if not call.final]
