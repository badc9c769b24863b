"""Publishing never fails its caller: Redis is a hint, the database is the truth."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from agentops.live import connections, publish
from agentops.live.channels import CONTROL, of_run
from agentops.live.stream import Broadcaster
from agentops.live.threads import in_thread

EVENTS = [{"seq": 1, "kind": "run.changed", "data": {}}]


@pytest.fixture
def no_redis(settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    publish._client.cache_clear()
    yield
    publish._client.cache_clear()
    publish._rest_until = 0.0


def test_a_dead_redis_raises_nothing(no_redis):
    publish.announce(uuid.uuid4(), 1, EVENTS)
    publish.team_changed(1, "approvals", [1])
    publish.tell_workers(uuid.uuid4(), "cancel")
    assert publish.list_version([1]) is None


async def test_a_commit_without_events_says_nothing():
    """An empty message would be one that no hub understands."""
    run_id, client = uuid.uuid4(), connections.for_loop()
    async with client.pubsub() as listening:
        await listening.subscribe(of_run(run_id))
        for events in ([], EVENTS):
            broadcaster = Broadcaster()
            broadcaster.event(run_id, 1, events)
            await broadcaster.close()
        async with asyncio.timeout(20):
            while (message := await listening.get_message(timeout=1)) is None or message["type"] != "message":
                pass
    await client.aclose()
    assert json.loads(message["data"])["seq"] == 1


async def test_a_dead_redis_does_not_keep_a_worker_from_closing(no_redis):
    broadcaster = Broadcaster()
    broadcaster.delta(uuid.uuid4(), 1, "text", "lost")
    broadcaster.event(uuid.uuid4(), 1, EVENTS)
    await broadcaster.close()


async def test_workers_are_told(server):
    run_id = uuid.uuid4()
    async with server.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(CONTROL)
        await listener.parse_response()
        await in_thread(publish.tell_workers, run_id, "cancel")
        heard = await anext(listener.listen())
    assert json.loads(heard["data"]) == {"run": str(run_id), "order": "cancel"}


async def test_pieces_of_text_that_meet_in_the_buffer_travel_as_one(server):
    run_id = uuid.uuid4()
    async with server.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(f"run:{run_id}")
        await listener.parse_response()
        broadcaster = Broadcaster()
        for piece in ("a", "b"):
            broadcaster.delta(run_id, 1, "text", piece)
        broadcaster.delta(run_id, 1, "tool_input", "{", tool="refund")
        await broadcaster.close()
        heard = await anext(listener.listen())
    assert [json.loads(line) for line in heard["data"].split("\n")] == [
        {"type": "delta", "step": 1, "kind": "text", "text": "ab", "tool": "", "at": 0},
        {"type": "delta", "step": 1, "kind": "tool_input", "text": "{", "tool": "refund", "at": 2},
    ]
