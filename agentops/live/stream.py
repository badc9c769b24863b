"""A worker's way out: streamed text and events of all its runs, in one Redis command every 50 ms at most."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import redis

from . import connections, frames, messages, said
from .batch import Batch
from .outage import Outage

INTERVAL = 0.05
"""Seconds for which text is gathered."""

Kind = Literal["text", "thinking", "tool_input"]
CLEAR = ""
"""In a run's buffer: what its step has said so far is over."""


@dataclass(slots=True)
class Delta:
    step: int
    kind: str
    tool: str
    at: int
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def frame(self) -> str:
        return frames.delta_text(self.step, self.kind, self.text, self.tool, self.at)


class Broadcaster:
    """Made and used on one event loop. Both methods only put into a buffer; order within a run is kept.

    What cannot be sent is dropped: text is transient, and the hub finds events in the database.
    """

    def __init__(self) -> None:
        self._redis = connections.for_loop()
        self._outage = Outage("streaming")
        self._runs: dict[str, list[Delta | str]] = {}
        self._lists: dict[int, list[str]] = {}
        self._said: dict[str, int] = {}
        """How much each run's open step has said."""
        self._gathered, self._urgent = asyncio.Event(), asyncio.Event()
        self._closing = False
        self._sender: asyncio.Task[None] | None = None

    def event(self, run_id: UUID | str, team_id: int, events: Sequence[Mapping[str, Any]]) -> None:
        """Goes out on the loop's next turn. `run.changed` also tells the team's list of runs."""
        buffer = self._runs.setdefault(str(run_id), [])
        for event, text in zip(events, messages.event_texts(events), strict=True):
            if said.clears(event["kind"]):
                self._said.pop(str(run_id), None)
                buffer.append(CLEAR)
            buffer.append(text)
        if messages.shows_in_list(events):
            self._lists.setdefault(team_id, []).append(str(run_id))
        self._urgent.set()
        self._wake()

    def delta(self, run_id: UUID | str, step: int, kind: Kind, text: str, tool: str = "") -> None:
        """A piece of what the model says. Pieces of one kind that meet in the buffer become one."""
        buffer = self._runs.setdefault(str(run_id), [])
        at = self._said.get(str(run_id), 0)
        self._said[str(run_id)] = at + frames.length(text)
        last = buffer[-1] if buffer else None
        if isinstance(last, Delta) and (last.step, last.kind, last.tool) == (step, kind, tool):
            last.parts.append(text)
        else:
            buffer.append(Delta(step, kind, tool, at, [text]))
        self._wake()

    async def close(self) -> None:
        """Sends what is left."""
        self._closing = True
        if self._sender:
            self._gathered.set()
            self._urgent.set()
            await self._sender
        await self._redis.aclose()

    def _wake(self) -> None:
        self._gathered.set()
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_until_closed())

    async def _send_until_closed(self) -> None:
        while not self._closing or self._runs or self._lists:
            await self._gathered.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._urgent.wait()
            self._gathered.clear()
            self._urgent.clear()
            runs, self._runs = self._runs, {}
            lists, self._lists = self._lists, {}
            await self._send(runs, lists)

    async def _send(self, runs: dict[str, list[Delta | str]], lists: dict[int, list[str]]) -> None:
        batch = Batch()
        for run_id, items in runs.items():
            lines = []
            for item in items:
                if item == CLEAR:
                    said.clear(batch, run_id)
                elif isinstance(item, Delta):
                    lines.append(item.frame())
                    said.keep(batch, run_id, lines[-1], item.at, item.at + frames.length(item.text))
                else:
                    lines.append(item)
            if lines:  # a commit may have no event
                messages.publish_frames(batch, run_id, lines)
        for team_id, ids in lists.items():
            messages.publish_change(batch, team_id, "runs", list(dict.fromkeys(ids)))
        if not batch:
            return
        try:
            await self._redis.eval(*batch.arguments)
        except (redis.RedisError, OSError) as error:
            self._outage.failed(error)
        else:
            self._outage.over()
