"""One run's window: how much of it a request takes, and how the conversation is made to fit."""

from __future__ import annotations

from collections.abc import Sequence

from agentops.core.context import Parts
from agentops.core.messages import Message
from agentops.core.models import ModelRequest

from . import compaction
from .counting import Counter
from .record import MOST_RECORD, Describe, plain_summary, record

DEFAULT_BUDGET = 200_000
"""Tokens, where nobody says how much the model takes."""
NEAR = 0.1
"""Share of the line around it within which an estimate is not good enough."""


def budget_of(wanted: int | None, published: Sequence[int | None]) -> int:
    """What an agent's requests may hold: its own figure, or what the smallest of its models takes."""
    return wanted or min((known for known in published if known), default=DEFAULT_BUDGET)


class Window:
    """Implements `agentops.engine.shortening.Window`."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._counter = Counter()

    def parts(self, request: ModelRequest, known_tokens: int, counted_messages: int) -> Parts:
        return self._counter.parts(request, self.budget, known_tokens, counted_messages)

    def in_doubt(self, parts: Parts) -> bool:
        """The estimate is so near the line that a count decides."""
        return abs(parts.used - parts.line) <= NEAR * parts.line

    def keepable(self, messages: list[Message], parts: Parts) -> int:
        return compaction.keepable(messages, self._counter.bytes_of(int(parts.room * compaction.KEPT_SHARE)))

    def shorten(self, messages: list[Message], kept: int, summary: str, results_over: int | None) -> list[Message]:
        return compaction.shorten(messages, kept, summary, results_over)

    def stubbed(self, message: Message) -> Message:
        return compaction.stubbed(message)

    def record(self, messages: list[Message], describe: Describe) -> str:
        most = min(MOST_RECORD, self._counter.bytes_of(self.budget // 2))
        return record(messages, describe, most)

    def plain_summary(self, messages: list[Message], describe: Describe) -> str:
        return plain_summary(messages, describe)
