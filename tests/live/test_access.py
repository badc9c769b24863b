"""Who may open a socket, and how it ends for those who may no longer look."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from agentops.accounts import sessions
from agentops.accounts.models import Membership
from agentops.live import channels
from agentops.live.threads import in_thread
from tests.live import rows

NO_HEARTBEAT = pytest.mark.parametrize("beat", [3600])
"""Within a test: what closes a socket then is the news alone."""


@pytest.fixture
async def run(team):
    return await in_thread(rows.make_run, team)


@pytest.mark.parametrize("path", ["/ws/overview", "/ws/approvals", f"/ws/runs/{uuid.uuid4()}", "/ws/nowhere"])
async def test_nobody_gets_in_without_signing_in(opened, path):
    assert await (await opened(path)).code() == 4401


async def test_a_run_of_another_team_looks_like_one_that_never_was(opened, run):
    stranger = await in_thread(lambda: rows.sign_in(rows.make_person(rows.make_team())))
    codes = [
        await (await opened(path, stranger)).code()
        for path in (f"/ws/runs/{run.pk}", f"/ws/runs/{uuid.uuid4()}", "/ws/runs/1", "/ws/nowhere")
    ]
    assert codes == [4404] * 4


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "٣", str(2**63), "9" * 5000, "1&after=2", "%00"])
async def test_a_bad_position_is_refused(opened, run, viewer, after):
    assert await (await opened(f"/ws/runs/{run.pk}?after={after}", viewer)).code() == 4400


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://localhost:9000",
        "http://localhost",
        "http://localhost:8000.evil.example",
    ],
)
async def test_a_page_from_elsewhere_is_denied(opened, viewer, origin):
    await opened("/ws/overview", viewer, origin=origin, accepted=False)


async def test_signing_out_closes(opened, run, viewer):
    browsers = [await opened(path, viewer) for path in (f"/ws/runs/{run.pk}", "/ws/overview")]
    for browser in browsers:
        await browser.until("heartbeat")
    await in_thread(viewer.logout)
    assert [await browser.code() for browser in browsers] == [4401, 4401]


@pytest.mark.parametrize("path", ["/ws/runs/{run}", "/ws/overview", "/ws/approvals"])
@pytest.mark.parametrize("change", ["membership", "deactivated", "password"])
async def test_losing_the_right_to_look_closes(opened, run, team, path, change):
    person = await in_thread(rows.make_person, team)
    browser = await opened(path.format(run=run.pk), await in_thread(rows.sign_in, person))
    await browser.until("heartbeat")

    def lose() -> None:
        if change == "membership":
            Membership.objects.filter(user=person).delete()
        elif change == "deactivated":
            person.is_active = False
            person.save()
        else:
            person.set_password("quite another one")
            person.save()

    await in_thread(lose)
    assert await browser.code() == (4403 if change == "membership" else 4401)


async def test_a_superuser_sees_every_run(opened, run):
    root = await in_thread(lambda: rows.sign_in(rows.make_person(is_superuser=True)))
    browser = await opened(f"/ws/runs/{run.pk}", root)
    assert (await browser.until("heartbeat", "closed"))["type"] == "heartbeat"


async def test_a_deleted_run_closes(opened, run, viewer):
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.until("heartbeat")
    await in_thread(run.delete)
    assert await browser.code() == 4404


async def test_what_a_browser_says_is_ignored_unless_it_is_big(opened, run, viewer):
    browser = await opened(f"/ws/runs/{run.pk}", viewer)
    await browser.say(text="{not json")
    await browser.say(bytes=b"\x00")
    assert (await browser.until("heartbeat", "closed"))["type"] == "heartbeat"
    await browser.say(text="x" * 1025)
    assert await browser.code() == 1009


@NO_HEARTBEAT
async def test_the_loss_is_told_at_once_and_not_with_the_next_heartbeat(hub, opened, run, team):
    leaver, stayer = [await in_thread(rows.make_person, team) for _ in range(2)]
    browsers = [await opened(f"/ws/runs/{run.pk}", await in_thread(rows.sign_in, who)) for who in (leaver, stayer)]
    await watching(hub, *browsers)
    await in_thread(lambda: Membership.objects.get(user=leaver).delete())
    assert await browsers[0].code() == 4403
    assert len(hub._feeds) == 1


@NO_HEARTBEAT
@pytest.mark.parametrize("by", ["logout", "end_all", "password", "deactivated"])
async def test_the_end_of_a_sign_in_is_told_at_once(hub, opened, team, by):
    person = await in_thread(rows.make_person, team)
    client = await in_thread(rows.sign_in, person)
    browser = await opened("/ws/overview", client)
    await watching(hub, browser)
    acts = {
        "logout": lambda: client.post("/sign-out/"),
        "end_all": lambda: sessions.end_all(person),
        "password": lambda: (person.set_password("quite another one"), person.save()),
        "deactivated": lambda: (setattr(person, "is_active", False), person.save()),
    }
    await in_thread(acts[by])
    assert await browser.code() == 4401


@NO_HEARTBEAT
async def test_a_sign_in_ended_from_afar_closes_its_sockets_and_no_others(hub, opened, team):
    person = await in_thread(rows.make_person, team)
    here, there = [await in_thread(rows.sign_in, person) for _ in range(2)]
    stays, goes = [await opened("/ws/approvals", client) for client in (here, there)]
    await watching(hub, stays, goes)
    await in_thread(sessions.end_all, person, but=here.cookies["sessionid"].value)
    assert await goes.code() == 4401
    assert len(hub._feeds) == 1


async def test_without_redis_the_heartbeat_finds_out(no_redis, opened, team):
    person = await in_thread(rows.make_person, team)
    browser = await opened("/ws/overview", await in_thread(rows.sign_in, person))
    await browser.until("status")
    await in_thread(lambda: Membership.objects.filter(user=person).delete())
    assert await browser.code() == 4403


@NO_HEARTBEAT
async def test_news_that_nobody_understands_is_survived(hub, opened, server, team):
    person = await in_thread(rows.make_person, team)
    browser = await opened("/ws/overview", await in_thread(rows.sign_in, person))
    await watching(hub, browser)
    for nonsense in ("", "{}", "[null]", '["x"]', "7"):
        await server.publish(channels.ACCESS, nonsense)
    await in_thread(lambda: Membership.objects.filter(user=person).first().delete())
    assert await browser.code() == 4403


@pytest.fixture
def no_redis(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


async def watching(hub, *browsers):
    """Until the hub has them in its books and listens: then nothing said afterwards is missed."""
    while len(hub._feeds) < len(browsers) or hub._subscriber._unconfirmed or not hub._subscriber.live:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.01)
