"""A worker hears orders for ever: what nobody understands does not make it deaf."""

from __future__ import annotations

import asyncio

import redis.asyncio
from django.conf import settings

from agentops.live import channels, control

PATIENCE = 20


async def test_orders_are_heard_after_one_that_nobody_understands() -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def obey(run_id: str, order: str) -> None:
        await heard.put((run_id, order))

    listening = asyncio.create_task(control.listen(obey))
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    try:
        async with asyncio.timeout(PATIENCE):
            # Returns how many listen: the first is heard by somebody.
            while not await client.publish(channels.CONTROL, "no JSON"):  # noqa: ASYNC110 - Redis tells it no other way
                await asyncio.sleep(0.01)
            await client.publish(channels.CONTROL, '["cancel"]')
            await client.publish(channels.CONTROL, '{"run": "1", "order": "cancel"}')
            assert await heard.get() == ("1", "cancel")
    finally:
        listening.cancel()
        await asyncio.wait({listening})
        await client.aclose()
