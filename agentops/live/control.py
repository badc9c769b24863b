"""A worker's side of the control channel: orders come in, signs of life go out. With Redis gone it keeps trying."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import redis
import structlog

from . import channels, connections
from .outage import Outage

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
ALIVE_SECONDS = 15
"""A worker that has said nothing for so long is taken for dead."""

Obey = Callable[[str, str], Awaitable[None]]


async def listen(obey: Obey) -> None:
    """Pass on `(run id, order)` for ever. Orders sent while Redis was away are lost; the run's row has them too."""
    outage = Outage("listening for orders")
    while True:
        client = connections.for_loop(patience=5.0)
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(channels.CONTROL)
                outage.over()
                while True:
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=3.0)
                    if message is not None:
                        await _pass_on(message["data"], obey)
        except (redis.RedisError, OSError) as error:
            outage.failed(error)
            await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await client.aclose()


async def _pass_on(message: str, obey: Obey) -> None:
    try:
        order = json.loads(message)
        run, what = str(order["run"]), str(order["order"])
    except (ValueError, KeyError, TypeError) as error:
        log.error("an order that nobody understands", error=repr(error))
    else:
        await obey(run, what)


class Presence:
    """Says that a worker lives, and what it is and does; `roster` reads it."""

    def __init__(self, name: str) -> None:
        self._key = channels.worker_key(name)
        self._redis = connections.for_loop()
        self._outage = Outage("saying that this worker lives")

    async def show(self, facts: Mapping[str, Any]) -> None:
        try:
            await self._redis.set(self._key, json.dumps(facts), ex=ALIVE_SECONDS)
        except (redis.RedisError, OSError) as error:
            self._outage.failed(error)
        else:
            self._outage.over()

    async def end(self) -> None:
        """The worker is gone for good: nobody need wait until its last word has expired."""
        try:
            await self._redis.delete(self._key)
            await self._redis.aclose()
        except (redis.RedisError, OSError) as error:
            self._outage.failed(error)
