"""What the loop asks of a run's context window; `agentops.context` has the implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agentops.core.context import Parts
from agentops.core.messages import Block, Message
from agentops.core.models import ModelRequest

Describe = Callable[[Block], str]
"""A tool use in plain words."""


class Window(Protocol):
    """How much a request takes of what it may hold, and the ways to make it smaller."""

    def parts(self, request: ModelRequest, known_tokens: int, counted_messages: int) -> Parts:
        """Estimated. `known_tokens`: what the provider counted for all but the messages from `counted_messages` on."""
        ...

    def in_doubt(self, parts: Parts) -> bool:
        """Whether the estimate is too near the line to decide by."""
        ...

    def keepable(self, messages: list[Message], parts: Parts) -> int:
        """How many of the last messages to keep word for word."""
        ...

    def shorten(self, messages: list[Message], kept: int, summary: str, results_over: int | None) -> list[Message]: ...

    def stubbed(self, message: Message) -> Message:
        """The message with its large results shortened to what names them."""
        ...

    def record(self, messages: list[Message], describe: Describe) -> str:
        """The messages as a text to be summarised."""
        ...

    def plain_summary(self, messages: list[Message], describe: Describe) -> str:
        """A summary that needs no model."""
        ...
