"""One watched run in this process: its events in order without gaps, and its text, to all who look on."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any
from uuid import UUID

import structlog
from django.db import Error as DatabaseError

from . import frames
from .frames import Frame
from .history import Gone, History, replay
from .threads import in_thread
from .viewer import Viewer

log = structlog.get_logger(__name__)

MOST_PENDING = 5000
"""Frames kept while the database is read. Beyond, they are dropped, which shows as another gap."""
GATHER = 0.05
"""Seconds for which text is gathered once some has been sent."""


class RunFeed:
    """Events may come out of order (processes announce after commit) or not at all: the database has them."""

    def __init__(self, run_id: UUID, history: History) -> None:
        self.run_id, self.history = run_id, history
        self.viewers: set[Viewer] = set()
        self.seq: int | None = None
        """The last event given to the viewers; None until `open`."""
        self._reading = asyncio.Lock()
        self._pending: deque[tuple[str, dict[str, Any]]] = deque()
        self._catching_up: asyncio.Task[None] | None = None
        self._deltas: list[dict[str, Any]] = []
        self._delta_timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Take the run's present position, once the channel is subscribed. Raises Gone."""
        async with self._reading:
            if self.seq is None:
                positions = await in_thread(self.history.positions, [self.run_id])
                if self.run_id not in positions:
                    raise Gone
                self.seq = positions[self.run_id]
                self._drain()

    def receive(self, message: str) -> None:
        """Raises ValueError or KeyError when it is none of ours."""
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
        self._pending.extend([_read(line) for line in message.split("\n")])
        if self.seq is not None and not self._busy:
            self._drain()

    def catch_up(self) -> asyncio.Task[None]:
        """Give the viewers what the database has beyond `seq`."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())
        return self._catching_up

    def resync(self, seq: int) -> None:
        """Start over from a position that was read after a gap of unknown size."""
        self._pending.clear()
        self._deltas.clear()
        self.seq = seq
        self.send(frames.resync(seq))

    def beat(self) -> None:
        if self.seq is not None:
            self._send_deltas()
            self.send(frames.heartbeat(self.seq))

    def send(self, frame: Frame) -> None:
        for viewer in self.viewers:
            if not viewer.offer(frame):
                viewer.restart(frames.resync(self.seq or 0))

    def close(self, code: int) -> None:
        for viewer in self.viewers:
            viewer.close(code)

    @property
    def _busy(self) -> bool:
        return self._catching_up is not None and not self._catching_up.done()

    async def _catch_up(self) -> None:
        while True:
            before = self.seq or 0
            try:
                missed, position = await in_thread(replay, self.history, self.run_id, before)
            except Gone:
                return self.close(4404)
            except DatabaseError as error:
                log.warning("missed events could not be read", run=str(self.run_id), error=str(error))
                return self._pending.clear()
            if self.seq == before:  # else a resync came in between
                self._send_deltas()
                self.seq = position
                for frame in missed:
                    self.send(frame)
            gap = self._drain()
            if gap is None:
                return None
            if self.seq == before:
                # Redis speaks of an event that the database does not have: another database, or one restored.
                log.warning("announced events are not in the database", run=str(self.run_id), seq=gap)
                return self.resync(before)

    def _drain(self) -> int | None:
        """Deliver what is pending. At a gap: returns its far side and has the database read."""
        while self._pending:
            line, frame = self._pending[0]
            if frame["type"] == "event":
                if frame["seq"] > (self.seq or 0) + 1:
                    self.catch_up()
                    return int(frame["seq"])
                self._pending.popleft()
                if frame["seq"] == (self.seq or 0) + 1:
                    self._send_deltas()
                    self.seq = frame["seq"]
                    self.send(Frame(line, self.seq))
            else:
                self._pending.popleft()
                self._gather(frame, line)
        return None

    def _gather(self, delta: dict[str, Any], line: str) -> None:
        """The first piece goes at once; what follows within 50 ms goes together."""
        if self._delta_timer is None:
            self.send(Frame(line))
            self._delta_timer = asyncio.get_running_loop().call_later(GATHER, self._gathered)
            return
        last = self._deltas[-1] if self._deltas else {}
        joins = last and last["at"] + frames.length(last["text"]) == delta["at"]
        if joins and all(last[key] == delta[key] for key in ("step", "kind", "tool")):
            last["text"] += delta["text"]
        else:
            self._deltas.append(delta)

    def _gathered(self) -> None:
        self._delta_timer = None
        if self._deltas:
            self._send_deltas()
            self._delta_timer = asyncio.get_running_loop().call_later(GATHER, self._gathered)

    def _send_deltas(self) -> None:
        deltas, self._deltas = self._deltas, []
        for delta in deltas:
            self.send(Frame(frames.dump(delta)))


def _read(line: str) -> tuple[str, dict[str, Any]]:
    frame = json.loads(line)
    needed = ("seq",) if frame["type"] == "event" else ("step", "kind", "text", "tool", "at")
    if missing := [key for key in needed if key not in frame]:
        raise KeyError(*missing)
    return line, frame
