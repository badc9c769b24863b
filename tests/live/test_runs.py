"""The socket of a run: every event once and in order, whatever happens to Redis or the browser."""

from __future__ import annotations

import asyncio

from django.db import connections

from agentops.live import publish
from agentops.live.history import LONGEST_REPLAY
from agentops.live.hub import Hub, _hubs
from agentops.live.sight import SignIn
from agentops.live.stream import Broadcaster
from agentops.live.threads import in_thread
from agentops.live.viewer import Viewer
from runs.consumers import HISTORY
from tests.live import rows


async def wait_until(condition) -> None:
    while not await condition():  # noqa: ASYNC110 - Redis has no event for it
        await asyncio.sleep(0.01)


def commit_and_announce(run, kind="step.opened", **data):
    event = rows.commit_event(run, kind, **data)
    publish.announce(run.pk, run.team_id, [event])


async def test_what_was_missed_comes_first_then_what_happens(opened, team, viewer):
    run = await in_thread(rows.make_run, team, events=3)
    browser = await opened(f"/ws/runs/{run.pk}?after=1", viewer)
    assert await browser.events(3) == [2, 3]
    await in_thread(commit_and_announce, run, "step.answered", step=1)
    frame = await browser.until("event")
    assert frame == {"type": "event", "seq": 4, "kind": "step.answered", "data": {"step": 1}}


async def test_no_gap_and_nothing_twice_while_four_publishers_write(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    each = 60

    def write() -> None:
        try:
            for _ in range(each):
                commit_and_announce(run)
        finally:
            connections.close_all()

    writers = [asyncio.create_task(asyncio.to_thread(write)) for _ in range(4)]
    browsers = []
    for _ in range(6):  # they join at various moments of the writing
        browsers.append(await opened(f"/ws/runs/{run.pk}?after=0", viewer))
    for browser in browsers:
        assert await browser.events(4 * each) == list(range(1, 4 * each + 1))
    await asyncio.gather(*writers)


async def test_an_event_whose_announcement_was_lost_comes_before_the_next(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    await in_thread(rows.commit_event, run)
    await in_thread(commit_and_announce, run)
    assert await browser.events(2) == [1, 2]


async def test_the_last_event_comes_even_when_its_announcement_was_lost(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    await in_thread(rows.commit_event, run)
    assert await browser.events(1) == [1]
    while (await browser.until("heartbeat"))["seq"] != 1:
        pass


async def test_who_missed_too_much_is_told_to_fetch(opened, team, viewer):
    run = await in_thread(rows.make_run, team, events=LONGEST_REPLAY + 1)
    browser = await opened(f"/ws/runs/{run.pk}?after=0", viewer)
    assert await browser.until("event", "resync") == {"type": "resync", "seq": LONGEST_REPLAY + 1}
    await in_thread(commit_and_announce, run)
    assert (await browser.until("event"))["seq"] == LONGEST_REPLAY + 2


async def test_a_position_from_the_future_is_told_to_fetch(opened, team, viewer):
    run = await in_thread(rows.make_run, team, events=1)
    browser = await opened(f"/ws/runs/{run.pk}?after=7", viewer)
    assert await browser.until("event", "resync") == {"type": "resync", "seq": 1}


async def test_a_lost_connection_to_redis_ends_in_a_resync_and_nothing_is_missed(opened, team, viewer, server):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    await server.client_kill_filter(_type="pubsub")
    await in_thread(rows.commit_event, run)
    seen = []
    while (frame := await browser.until("status", "event", "resync"))["type"] != "resync":
        seen.append(frame)
    assert [frame["live"] for frame in seen if frame["type"] == "status"] == [False, True]
    await in_thread(commit_and_announce, run)
    later = [frame["seq"] for frame in seen if frame["type"] == "event"]
    while 2 not in later:
        later.append((await browser.until("event"))["seq"])
    assert set(later) | set(range(1, frame["seq"] + 1)) == {1, 2}
    assert len(later) == len(set(later))


async def test_without_redis_the_page_knows_and_events_come_with_the_heartbeat(settings, opened, team, viewer):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    run = await in_thread(rows.make_run, team)
    await _hubs[asyncio.get_running_loop()].close()
    own = _hubs[asyncio.get_running_loop()] = Hub(beat=0.1)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    assert await browser.until("status") == {"type": "status", "live": False}
    await in_thread(rows.commit_event, run)
    assert await browser.events(1) == [1]
    await own.close()


async def test_streamed_text_arrives_whole_and_before_the_event_that_ends_it(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    broadcaster = Broadcaster()
    said = [f"word{number} " for number in range(200)] + ["\u2028\n\ud800"]
    for number, word in enumerate(said):
        broadcaster.delta(run.pk, 1, "text", word)
        if number % 20 == 0:
            await asyncio.sleep(0)
    event = await in_thread(rows.commit_event, run, "step.answered", step=1)
    broadcaster.event(run.pk, team.pk, [event])
    await broadcaster.close()
    heard = ""
    while (frame := await browser.until("delta", "event"))["type"] == "delta":
        assert (frame["step"], frame["kind"], frame["tool"]) == (1, "text", "")
        heard += frame["text"]
    assert heard == "".join(said)
    assert frame["seq"] == 1


async def test_two_viewers_share_one_subscription_which_ends_with_the_last(opened, team, viewer, server):
    run = await in_thread(rows.make_run, team)
    channel = f"run:{run.pk}"
    first = await opened(f"/ws/runs/{run.pk}", viewer)
    second = await opened(f"/ws/runs/{run.pk}", viewer)
    await first.until("heartbeat")
    await second.until("heartbeat")
    assert dict(await server.pubsub_numsub(channel)) == {channel: 1}
    await in_thread(commit_and_announce, run)
    assert [await first.events(1), await second.events(1)] == [[1], [1]]
    await first.disconnect()
    await in_thread(commit_and_announce, run)
    assert await second.events(2) == [2]
    await second.disconnect()

    async def nobody() -> bool:
        return dict(await server.pubsub_numsub(channel)) == {channel: 0}

    await wait_until(nobody)
    third = await opened(f"/ws/runs/{run.pk}?after=2", viewer)
    await third.until("heartbeat")
    await in_thread(commit_and_announce, run)
    assert await third.events(3) == [3]


async def test_announcements_out_of_order_are_put_in_order(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    first, second = [await in_thread(rows.commit_event, run) for _ in range(2)]
    await in_thread(publish.announce, run.pk, team.pk, [second])
    await in_thread(publish.announce, run.pk, team.pk, [first])
    await in_thread(commit_and_announce, run)
    assert await browser.events(3) == [1, 2, 3]


async def test_a_viewer_too_slow_for_its_queue_catches_up_by_number(team):
    hub = Hub(beat=3600)
    run = await in_thread(rows.make_run, team)
    slow, quick = (Viewer(SignIn("", 0, ""), room=room) for room in (4, 100))
    for each in (slow, quick):
        await hub.watch_run(each, run.pk, team.pk, HISTORY)
    for _ in range(30):
        await in_thread(commit_and_announce, run)
    got = [await quick.next() for _ in range(30)]
    assert [frame.seq for frame in got] == list(range(1, 31))
    caught_up = await slow.next()
    assert caught_up.resync
    rest = [(await slow.next()).seq for _ in range(30 - caught_up.seq)]
    assert rest == list(range(caught_up.seq + 1, 31))
    await hub.close()


async def test_nonsense_in_redis_harms_nobody(opened, team, viewer, server):
    run = await in_thread(rows.make_run, team)
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    for nonsense in ("", "{", "[]", '{"type":"event"}', '{"type":"event","seq":99,"kind":"x","data":{}}'):
        await server.publish(f"run:{run.pk}", nonsense)
    await in_thread(commit_and_announce, run)
    assert await browser.events(1) == [1]
