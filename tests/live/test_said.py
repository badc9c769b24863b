"""Who opens a run in mid-answer reads it from its beginning: no text is missing, none comes twice."""

from __future__ import annotations

import asyncio
import json

from agentops.live.said import LONGEST, key
from agentops.live.stream import Broadcaster
from agentops.live.threads import in_thread
from tests.live import rows

WORDS = [f"word-{number} " for number in range(60)]


async def kept(server, run) -> list[dict]:
    return [json.loads(line) for line in await server.lrange(key(run.pk), 0, -1)]


async def say(server, broadcaster, run, words, step=1) -> None:
    """Until it has gone out."""
    for word in words:
        broadcaster.delta(run.pk, step, "text", word)
    while not (await kept(server, run) or [{"text": ""}])[-1]["text"].endswith(words[-1]):  # noqa: ASYNC110 - Redis has no event for it
        await asyncio.sleep(0.01)


async def tell(broadcaster, run, team, kind, **data) -> None:
    broadcaster.event(run.pk, team.pk, [await in_thread(rows.commit_event, run, kind, **data)])


async def read(browser, length) -> str:
    """As a page puts it together, until it is so long: what it has already is cut off by `at`."""
    text = ""
    while len(text) < length:
        frame = await browser.until("delta")
        assert frame["at"] <= len(text), "something is missing"
        text += frame["text"][len(text) - frame["at"] :]
    return text


async def test_the_text_from_before_the_page_was_opened_comes_first(opened, team, viewer, server):
    run = await in_thread(rows.make_run, team)
    broadcaster = Broadcaster()
    await say(server, broadcaster, run, WORDS[:20])
    await say(server, broadcaster, run, WORDS[20:40])
    browser = await opened(f"/ws/runs/{run.pk}?after=0", viewer)
    await say(server, broadcaster, run, WORDS[40:])
    assert await read(browser, len("".join(WORDS))) == "".join(WORDS)
    await broadcaster.close()


async def test_another_try_begins_anew(opened, team, viewer, server):
    run = await in_thread(rows.make_run, team)
    broadcaster = Broadcaster()
    await say(server, broadcaster, run, ["the first try broke off"])
    await tell(broadcaster, run, team, "step.retried", step=1)
    await say(server, broadcaster, run, ["the second ", "holds"])
    browser = await opened(f"/ws/runs/{run.pk}?after=1", viewer)
    assert await read(browser, len("the second holds")) == "the second holds"
    await broadcaster.close()


async def test_an_answered_step_leaves_nothing_behind(team, server):
    run = await in_thread(rows.make_run, team)
    broadcaster = Broadcaster()
    await say(server, broadcaster, run, WORDS)
    await tell(broadcaster, run, team, "step.answered", step=1)
    await broadcaster.close()
    assert await kept(server, run) == []


async def test_places_count_as_browsers_do(team, server):
    run = await in_thread(rows.make_run, team)
    broadcaster = Broadcaster()
    await say(server, broadcaster, run, ["a🙂b"])
    await say(server, broadcaster, run, ["c"])
    assert [piece["at"] for piece in await kept(server, run)] == [0, 4]
    await broadcaster.close()


async def test_an_endless_answer_keeps_its_end_and_is_forgotten_in_time(team, server):
    run = await in_thread(rows.make_run, team)
    broadcaster = Broadcaster()
    for number in range(LONGEST + 1500):  # kinds that take turns, so that none are joined
        broadcaster.delta(run.pk, 1, "text" if number % 2 else "thinking", f"{number:04}")
    await broadcaster.close()
    pieces = await kept(server, run)
    assert len(pieces) < LONGEST + 1500
    assert pieces[-1]["text"] == f"{LONGEST + 1499:04}"
    assert 0 < await server.ttl(key(run.pk)) <= 900
