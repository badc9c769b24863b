"""Many commands as one: in their order, numbered without a gap, and none stopped by another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from agentops.live import connections
from agentops.live.batch import Batch

WORDS = "ü 🙂 \u202eabc\nline '\" \\ " + "x" * 70_000


@pytest.fixture
async def client() -> AsyncIterator[redis.asyncio.Redis]:
    client = connections.for_loop()
    yield client
    await client.aclose()


@pytest.fixture
async def heard() -> AsyncIterator[Any]:
    """What arrives on a channel of this test's own."""
    client, channel = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True), f"test:{uuid.uuid4()}"
    async with client.pubsub() as listening:
        await listening.subscribe(channel)

        async def messages(count: int) -> list[str]:
            found: list[str] = []
            async with asyncio.timeout(20):
                async for message in listening.listen():
                    if message["type"] == "message":
                        found.append(message["data"])
                    if len(found) == count:
                        return found
            return found

        messages.channel = channel  # type: ignore[attr-defined]
        yield messages
    await client.aclose()


async def test_what_is_said_arrives_in_its_order_and_as_it_was(client: redis.asyncio.Redis, heard: Any) -> None:
    batch, key = Batch(), f"test:{uuid.uuid4()}"
    batch.publish(heard.channel, WORDS)
    batch.publish_numbered(key, heard.channel, "one")
    batch.publish_numbered(key, heard.channel, "two")
    await client.eval(*batch.arguments)
    assert await heard(3) == [WORDS, "1 one", "2 two"]


async def test_lists_are_kept_cut_and_forgotten(client: redis.asyncio.Redis) -> None:
    batch, key = Batch(), f"test:{uuid.uuid4()}"
    for line in ("a", "b", WORDS):
        batch.rpush(key, line)
    batch.ltrim(key, -2, -1)
    batch.expire(key, 900)
    await client.eval(*batch.arguments)
    assert await client.lrange(key, 0, -1) == ["b", WORDS]
    assert 0 < await client.ttl(key) <= 900
    batch = Batch()
    batch.delete(key)
    await client.eval(*batch.arguments)
    assert not await client.exists(key)


async def test_what_one_command_cannot_do_stops_none_of_the_others(client: redis.asyncio.Redis, heard: Any) -> None:
    key = f"test:{uuid.uuid4()}"
    await client.set(key, "no list", ex=60)
    batch = Batch()
    batch.rpush(key, "lost")
    batch.publish_numbered(key, heard.channel, "lost, too")
    batch.publish(heard.channel, "heard")
    with pytest.raises(redis.RedisError):
        await client.eval(*batch.arguments)
    assert await heard(1) == ["heard"]
