"""What a script says: one turn of the assistant, and how it is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]

FAULTS = ("drop", "stall", "malformed", "cut", "stream_error", "garbage")
"""Besides HTTP statuses."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    input: dict[str, Any] = field(default_factory=dict)
    raw: str | None = None
    """The input as text, where a fault wants it broken."""

    @property
    def text(self) -> str:
        return json.dumps(self.input, ensure_ascii=False) if self.raw is None else self.raw


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong while the request's attempt number is at most `attempts`.

    Kinds: an HTTP status (`429`, `529`, `500`, `400`, `401`, `404`), or in mid-stream, after `after_deltas` pieces:
    `drop` (the connection breaks), `stall` (nothing more comes), `malformed` (an event that is not JSON), `cut` (the
    stream ends without its end), `stream_error` (an error event); `garbage` answers 200 with no stream at all.
    """

    kind: str
    attempts: int = 1
    retry_after: float | None = None
    after_deltas: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    text: str = ""
    thinking: str = ""
    tools: tuple[ToolCall, ...] = ()
    stop_reason: str = ""
    delay_ms: float | None = None
    """Between two pieces; None: the server's own pace."""
    deltas: int | None = None
    """Into how many pieces the text is cut; None: a few characters each."""
    fault: Fault | None = None

    @property
    def reason(self) -> str:
        return self.stop_reason or ("tool_use" if self.tools else "end_turn")

    def blocks(self, turn_number: int) -> list[Block]:
        """The whole answer, as content blocks."""
        blocks: list[Block] = []
        if self.thinking:
            blocks.append({"type": "thinking", "thinking": self.thinking, "signature": "simulated"})
        if self.text:
            blocks.append({"type": "text", "text": self.text})
        for index, call in enumerate(self.tools):
            blocks.append(
                {"type": "tool_use", "id": f"toolu_{turn_number}_{index}", "name": call.name, "input": call.input}
            )
        return blocks

    def pieces(self, text: str) -> Iterator[str]:
        size = max(1, -(-len(text) // self.deltas)) if self.deltas else 12
        for start in range(0, len(text), size):
            yield text[start : start + size]
