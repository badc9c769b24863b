"""Tokens of a request, from its bytes, by the ratio that the provider's own counts have shown."""

from __future__ import annotations

from collections.abc import Sequence

from agentops.core.context import Parts
from agentops.core.messages import Message, size
from agentops.core.models import ModelRequest
from agentops.core.tools import ToolSpec

TOKENS_A_BYTE = 1 / 3.5
"""Before a provider has counted anything: rather too many tokens than too few."""
LEAST, MOST = 1 / 8, 1 / 1.5
"""No text is further off; a count that says so counted something else as well."""


class Counter:
    """Of one run. It sizes each message once: a step costs what is new in it, however long the conversation is."""

    def __init__(self) -> None:
        self.tokens_a_byte = TOKENS_A_BYTE
        self._sizes: list[int] = []
        self._last: Message | None = None
        self._fixed: tuple[str, list[ToolSpec], int, int] = ("", [], 0, 0)
        self._reminder = 0
        self._learned = (0, 0)

    def parts(self, request: ModelRequest, budget: int, known_tokens: int = 0, counted_messages: int = 0) -> Parts:
        """`known_tokens` is what the provider counted for system, tools and the first `counted_messages`, if it did."""
        system, tools = self._size_fixed(request)
        sizes, reminder = self._size_messages(request.messages), _bytes(request.reminder)
        if known_tokens:
            self._learn(known_tokens, counted_messages, system + tools + sum(sizes[:counted_messages]))
        rate = self.tokens_a_byte
        if known_tokens:
            old = max(known_tokens - round(rate * (system + tools + self._reminder)), 0)
            history = old + round(rate * sum(sizes[counted_messages:]))
        else:
            history = round(rate * sum(sizes))
        self._reminder = reminder
        return Parts(
            system=round(rate * system),
            tools=round(rate * tools),
            history=history,
            facts=round(rate * reminder),
            headroom=request.max_output_tokens + request.thinking_tokens,
            budget=budget,
        )

    def bytes_of(self, tokens: int) -> int:
        """How many bytes so many tokens are."""
        return int(tokens / self.tokens_a_byte)

    def _learn(self, known: int, counted: int, size: int) -> None:
        """From a count not seen before. The reminder of that request was counted with it."""
        if self._learned != (known, counted):
            self._learned = (known, counted)
            self.tokens_a_byte = min(max(known / max(size + self._reminder, 1), LEAST), MOST)

    def _size_fixed(self, request: ModelRequest) -> tuple[int, int]:
        if self._fixed[0] != request.system or self._fixed[1] != request.tools:
            tools = sum(size([tool.name, tool.description, tool.input_schema]) for tool in request.tools)
            self._fixed = (request.system, request.tools, _bytes(request.system), tools)
        return self._fixed[2], self._fixed[3]

    def _size_messages(self, messages: Sequence[Message]) -> list[int]:
        known = len(self._sizes)
        if known and (known > len(messages) or messages[known - 1] is not self._last):
            self._sizes = []
        self._sizes += [size_of(message) for message in messages[len(self._sizes) :]]
        self._last = messages[-1] if messages else None
        return self._sizes


def size_of(message: Message) -> int:
    """Bytes of its content as it is sent."""
    return size(message["content"])


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
