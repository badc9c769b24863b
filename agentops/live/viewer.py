"""One open socket as the hub sees it: a bounded queue of frames, and a way to end it."""

from __future__ import annotations

import asyncio
from collections import deque

from .frames import Frame
from .sight import SignIn

ROOM = 256
"""Frames that may wait for a slow browser. After that it is told to catch up."""


class Viewer:
    """Made on the running loop."""

    def __init__(self, sign_in: SignIn, room: int = ROOM) -> None:
        self.sign_in = sign_in
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Resolves to the close code when the hub ends it."""
        self._room = room
        self._frames: deque[Frame] = deque()
        self._filled = asyncio.Event()

    def offer(self, frame: Frame) -> bool:
        """False when there is no room: the frame is not queued."""
        if len(self._frames) >= self._room:
            return False
        self._frames.append(frame)
        self._filled.set()
        return True

    def restart(self, resync: Frame) -> None:
        """Forget what waits; this stands for all of it."""
        self._frames.clear()
        self._frames.append(resync)
        self._filled.set()

    async def next(self) -> Frame:
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        return self._frames.popleft()

    def close(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)
