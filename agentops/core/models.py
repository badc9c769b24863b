"""What the engine asks of a model, and what it gets back. The gateway is the one implementation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from .errors import AgentOpsError
from .messages import Block, Message, text_of
from .tools import ToolSpec
from .usage import Usage


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. `chain` names models in order of preference; the gateway falls through it on failure."""

    chain: tuple[str, ...]
    system: str
    messages: list[Message]
    tools: list[ToolSpec]
    max_output_tokens: int = 4096
    thinking_tokens: int = 0
    """Extended thinking budget in tokens; 0 turns it off."""
    reminder: str = ""
    """Told after the last message and kept nowhere: it stays outside what the provider caches."""
    words_only: bool = False
    """The model sees its tools, so that the conversation stays what it was, and may call none."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call as the model wrote it. `problem` is set when its input was not a JSON object: it must not run."""

    id: str
    name: str
    input: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to one provider, successful or not: one row of the cost ledger."""

    number: int
    provider: str
    model: str
    started_at: datetime
    duration_ms: int
    first_token_ms: int | None
    usage: Usage
    cost_usd: Decimal
    estimated: bool
    """True when the provider did not report the usage (a broken stream): input and streamed output were estimated."""
    price_source: str
    """Where the price came from, with its version or date; "unknown model" prices at the dearest known rate."""
    error_kind: str = ""
    error: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    content: list[Block]
    """Assistant blocks, safe to send back to the API as they are."""
    tool_uses: list[ToolUse]
    stop_reason: str
    """`end_turn`, `tool_use`, `max_tokens`, `refusal`, `stop_sequence` or `pause_turn`."""
    attempts: list[Attempt]

    @property
    def text(self) -> str:
        return text_of(self.content)

    @property
    def usage(self) -> Usage:
        """Usage of the attempt that answered (the last one); nothing where no model was asked."""
        return self.attempts[-1].usage if self.attempts else Usage()

    @property
    def cost_usd(self) -> Decimal:
        """Cost of all attempts, failed ones included."""
        return sum((a.cost_usd for a in self.attempts), Decimal(0))


class ModelFailed(AgentOpsError):
    """Every model of the chain failed. `attempts` lists each one; `kind` is that of the last.

    Kinds: `rate_limited`, `overloaded`, `server_error`, `connection`, `timeout`, `malformed`, `cut_short`
    (all retried), `rejected` (the request is at fault), `auth` (the key is), `not_found` (the model's name is).
    """

    def __init__(self, message: str, kind: str, attempts: list[Attempt]) -> None:
        super().__init__(message)
        self.kind = kind
        self.attempts = attempts


class CallCancelled(asyncio.CancelledError):
    """The call was cancelled in mid-stream. The provider bills what it streamed: `attempts` has the estimate."""

    def __init__(self, attempts: list[Attempt]) -> None:
        super().__init__()
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streaming answer, for people's eyes only. `kind` is `text`, `thinking` or `tool_input`."""

    kind: str
    text: str
    tool: str = ""


OnDelta = Callable[[Delta], None]
OnAttempt = Callable[[Attempt], Awaitable[None]]
"""Told of each failed attempt before the next is made, so that what it cost is settled and the next is reserved.
It may raise (BudgetRefused, LeaseLost) to stop the retrying."""


class Model(Protocol):
    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        """Answer, or raise ModelFailed. When cancelled while streaming, raises `CallCancelled` with the bill."""
        ...

    async def count(self, request: ModelRequest) -> int | None:
        """Tokens of the request's input as the first model's provider counts them; None where it cannot say."""
        ...

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Decimal:
        """USD that one attempt can cost at most: `known_input_tokens` already counted by the provider, `new_bytes`
        of UTF-8 not yet counted (a token is at least a byte), and the whole output allowance, at the dearest
        model of the chain."""
        ...
