"""What one streamed answer said, put together event by event; whole or cut off, it knows what it will be billed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from agentops.core.messages import Block
from agentops.core.models import Delta, OnDelta, ToolUse
from agentops.core.usage import Usage

from .blocks import BlockInProgress

CHARACTERS_A_TOKEN = 3
"""On the low side for English, so that an estimate is rather too dear than too cheap."""

_USAGE_FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Transcript:
    """Fed with the Messages API's stream events as plain dicts; unknown events, deltas and blocks are passed over."""

    def __init__(self, on_delta: OnDelta) -> None:
        self.request_id = ""
        self.started = False
        self.stop_reason = ""
        self.first_token_ms: int | None = None
        self.measure_request: Callable[[], int] = lambda: 0
        """Length of the request's text; asked only for an estimate, because it costs a pass over all of it."""
        self._on_delta = on_delta
        self._begun = time.monotonic()
        self._stopped = False
        self._blocks: dict[int, BlockInProgress] = {}
        self._counts: dict[str, int] = {}
        self._reasoning = 0
        self._streamed = 0
        self._output_is_final = False

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self._begun) * 1000)

    def feed(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self.started = True
                self._count(event.get("message", {}).get("usage"))
            case "content_block_start":
                self._blocks[event["index"]] = BlockInProgress(event["content_block"])
                self._tell(self._blocks[event["index"]].opening())
            case "content_block_delta":
                block = self._blocks.get(event["index"])
                if block is not None:
                    self._tell(block.add(event["delta"]))
            case "message_delta":
                self.stop_reason = event.get("delta", {}).get("stop_reason") or self.stop_reason
                self._count(event.get("usage"))
                self._output_is_final = "output_tokens" in (event.get("usage") or {})
            case "message_stop":
                self._stopped = True

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end: a connection that closes early raises nothing by itself."""
        return bool(self.stop_reason) or self._stopped

    def answer(self) -> tuple[list[Block], list[ToolUse], str]:
        """Content that is safe to send back, the tool uses in it, and the stop reason."""
        content, uses, seen = [], [], set[str]()
        for index in sorted(self._blocks):
            block, use = self._blocks[index].finished(seen)
            if block is not None:
                content.append(block)
            if use is not None:
                uses.append(use)
                seen.add(use.id)
        return content, uses, self.stop_reason or ("tool_use" if uses else "end_turn")

    def bill(self) -> tuple[Usage, bool]:
        """What the provider charges for this attempt, and whether that is our estimate.

        Nothing when it never began to answer. Where the provider did not report a figure (the stream broke, or the
        server reports none), input is estimated from the request's length and output from what was streamed.
        """
        if not self.started and not self._streamed:
            return Usage(), False
        estimated = not (self._output_is_final and "input_tokens" in self._counts)
        read = self._counts.get("cache_read_input_tokens", 0)
        write = self._counts.get("cache_creation_input_tokens", 0)
        if "input_tokens" in self._counts:
            total = self._counts["input_tokens"] + read + write
        else:
            total = max(_tokens(self.measure_request()), read + write)
        output = self._counts.get("output_tokens", 0)
        if not self._output_is_final:
            output = max(output, _tokens(self._streamed))
        return Usage(total, output, read, write, min(self._reasoning, output)), estimated

    def _count(self, usage: Any) -> None:
        """Later figures replace earlier ones: the API's are cumulative."""
        if not isinstance(usage, dict):
            return
        for name in _USAGE_FIELDS:
            if isinstance(usage.get(name), int):
                self._counts[name] = max(usage[name], 0)
        details = usage.get("output_tokens_details")
        if isinstance(details, dict) and isinstance(details.get("thinking_tokens"), int):
            self._reasoning = max(details["thinking_tokens"], 0)

    def _tell(self, delta: Delta | None) -> None:
        if delta is None or not delta.text:
            return
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms
        self._streamed += len(delta.text)
        self._on_delta(delta)


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_A_TOKEN)
