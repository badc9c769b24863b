"""The one Redis subscription of a process: channels come and go, a lost connection is made anew."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import redis

from . import connections
from .ending import end
from .outage import Outage

OWN = "live"
"""A channel nobody publishes on: it keeps the connection in subscribed mode when nobody looks on."""
SILENCE = 12.0
"""Seconds without a sign of life, pings answered included, after which the connection counts as dead."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Lost(Exception):
    """The connection is of no use any more."""


class Subscriber:
    """`live` is None until the first connection succeeded or failed."""

    def __init__(
        self,
        *,
        on_message: Callable[[str, str], None],
        on_lost: Callable[[], None],
        on_back: Callable[[], None],
    ) -> None:
        self.live: bool | None = None
        self._on_message, self._on_lost, self._on_back = on_message, on_lost, on_back
        self._channels: set[str] = set()
        self._unconfirmed: set[str] = set()
        self._pubsub: Any = None
        self._broken = asyncio.Event()
        self._orders = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._heard_at = 0.0
        self._outage = Outage("listening for changes")
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def subscribe(self, channels: set[str]) -> None:
        """Returns when Redis has confirmed them, or is known to be out of reach: then they follow later."""
        new = channels - self._channels
        if new:
            self._channels |= new
            self._unconfirmed |= new
            await self._order("subscribe", new)
        async with self._changed:
            await self._changed.wait_for(lambda: self.live is False or not self._unconfirmed & channels)

    async def keep_only(self, channels: set[str]) -> None:
        """Unconfirmed ones stay too: a late confirmation is never taken for a newer subscription's."""
        old = self._channels - channels - self._unconfirmed
        if old:
            self._channels -= old
            await self._order("unsubscribe", old)

    async def ping(self) -> None:
        """To be called every few seconds: finds connections that died without a word."""
        if self._pubsub and time.monotonic() - self._heard_at > SILENCE:
            self._broken.set()
        else:
            await self._order("ping", set())

    async def close(self) -> None:
        await end({self._task})

    async def _order(self, command: str, channels: set[str]) -> None:
        async with self._orders:  # or a SUBSCRIBE could overtake the UNSUBSCRIBE before it
            if self._pubsub is None:
                return
            try:
                await getattr(self._pubsub, command)(*channels)
            except (redis.RedisError, OSError):
                self._broken.set()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            client = connections.for_loop()
            pubsub = client.pubsub()
            self._broken.clear()
            try:
                await self._connected(pubsub)
            except (redis.RedisError, OSError, Lost) as error:
                self._outage.failed(error)
            finally:
                self._pubsub = None
                await pubsub.aclose()
                await client.aclose()
            pause = FIRST_PAUSE if self.live else min(pause * 2, LONGEST_PAUSE)
            await self._went_down()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads reconnects, no secret

    async def _connected(self, pubsub: Any) -> None:
        await pubsub.subscribe(OWN)
        self._heard_at = time.monotonic()
        self._pubsub, self._unconfirmed = pubsub, set(self._channels)
        if self._channels:
            await self._order("subscribe", set(self._channels))
        listening = asyncio.create_task(self._listen(pubsub))
        broken = asyncio.create_task(self._broken.wait())
        try:
            await asyncio.wait({listening, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                raise Lost("no sign of life")
            listening.result()
        finally:
            await end({listening, broken})

    async def _listen(self, pubsub: Any) -> None:
        async for message in pubsub.listen():
            self._heard_at = time.monotonic()
            if message["type"] == "message":
                self._on_message(message["channel"], message["data"])
            elif message["type"] == "subscribe":
                self._unconfirmed.discard(message["channel"])
                if not self._unconfirmed and not self.live:
                    self._came_up()
                async with self._changed:
                    self._changed.notify_all()
        raise Lost("no subscription left")

    def _came_up(self) -> None:
        first, self.live = self.live is None, True
        self._outage.over()
        if not first:
            self._on_back()

    async def _went_down(self) -> None:
        was, self.live = self.live, False
        self._unconfirmed = set(self._channels)
        if was is not False:
            self._on_lost()
        async with self._changed:
            self._changed.notify_all()
