"""What a tool is: a typed function, its schema, its risk, and the envelope its result comes back in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from .errors import AgentOpsError


class Tier(StrEnum):
    """How much a person has to do with an action before it happens."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _ORDER.index(self)

    def one_up(self) -> Tier:
        """The next tier, `high` at most: taint makes a person look, it does not take the action away from the agent."""
        return max(self, _ORDER[min(self.rank + 1, 2)], key=lambda tier: tier.rank)


_ORDER = [Tier.LOW, Tier.MEDIUM, Tier.HIGH, Tier.CRITICAL]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told of a tool."""

    name: str
    description: str
    input_schema: dict[str, Any]

    @property
    def hash(self) -> str:
        return digest([self.name, self.description, self.input_schema])


class InvalidArguments(AgentOpsError):
    """The arguments do not fit the tool's schema. The message tells the model what is wrong and what is expected."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The envelope every tool result comes back in.

    `status` is `ok`, `error` (it did not happen, or happened and failed, and says so) or `unknown` (timed out or
    was cut off: it may have happened).
    """

    status: str
    data: Any = None
    summary: str = ""
    error: str = ""
    truncated: bool = False
    hint: str = ""
    """One line for the model: what to do next."""
    untrusted_source: str = ""
    """Where content from outside came from ("mail 3.eml"); "" when the content is our own."""
    ref: str = ""
    """What it is read back by: step and call as people count them ("12.1")."""

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the run that called it."""

    run_id: str
    call_id: str
    """Stable for a call across restarts: the idempotency key to hand to outside systems."""
    team_id: int
    agent: str
    workspace: Path
    """The run's own folder. Use `agentops.tools.workspace` to open files in it, never `open()`."""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the outside system says about a call of which nobody knows whether it happened.

    `happened` is None when it cannot tell. `said` is for people: what was looked at, and what stands there.
    """

    said: str
    happened: bool | None = None


class Tool(Protocol):
    """A tool as the engine, the policy and the console see it. `agentops.tools.registry` has the implementation."""

    name: str
    tier: Tier
    reads_only: bool
    idempotent: bool
    untrusted: bool
    timeout: float
    asks_person: bool
    """It is never run: a person answers in its place."""
    starts_run: bool
    """It is never run: the engine starts a run of another agent in its place, and its answer is the result."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def can_undo(self) -> bool:
        """It declares how to take back what it did."""
        ...

    @property
    def can_verify(self) -> bool:
        """It declares how to find out whether it happened."""
        ...

    def validate(self, arguments: Any) -> dict[str, Any]:
        """The arguments, coerced and complete with defaults, JSON-ready. Raises InvalidArguments."""
        ...

    def effect_line(self, arguments: dict[str, Any]) -> str:
        """What would happen, in plain words, from validated arguments; control characters shown escaped."""
        ...

    async def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Do it. Never raises but for cancellation: every failure is in the envelope."""
        ...

    def compensation(self, arguments: dict[str, Any], data: Any) -> Compensation | None:
        """The call that takes back one of these arguments that returned `data`; None when nothing can. Never raises."""
        ...

    async def verify(self, arguments: dict[str, Any], context: ToolContext) -> Verification:
        """Look whether such a call happened; changes nothing, takes seconds. Never raises but for cancellation."""
        ...


class Toolbox(Protocol):
    """The tools that one agent may use."""

    def get(self, name: str) -> Tool | None: ...

    def specs(self) -> list[ToolSpec]: ...


Effect = Callable[..., str]

Compensation = tuple[str, dict[str, Any]]
"""A tool's name and its arguments."""

Undo = Callable[[dict[str, Any], Any], Compensation | None]
"""From a call's validated arguments and the data of its result to the call that takes it back."""

Verify = Callable[[dict[str, Any], ToolContext], Any]
"""From a call's validated arguments and context, plain or async: a Verification, True, False, or None for unknown."""


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode


def digest(value: Any) -> str:
    """SHA-256 over canonical JSON: equal values give equal digests whatever the order of keys."""
    return hashlib.sha256(_canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
