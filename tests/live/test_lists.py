"""The sockets of lists: what changed, numbered, for the teams one sees."""

from __future__ import annotations

import time

from agentops.accounts.models import Membership, Role
from agentops.live import publish
from agentops.live.channels import version_key
from agentops.live.threads import in_thread
from tests.live import rows


async def test_changes_are_numbered_and_the_heartbeat_repeats_the_number(opened, team, viewer):
    browser = await opened("/ws/overview", viewer)
    before = time.time() * 1000
    first = await browser.until("heartbeat")
    assert first["version"] == 0
    assert int(before) <= first["now"] <= time.time() * 1000
    await in_thread(publish.team_changed, team.pk, "approvals", [7])
    await in_thread(publish.team_changed, team.pk, "runs", ["a", "b"])
    assert await browser.until("changed") == {
        "type": "changed",
        "list": "approvals",
        "ids": ["7"],
        "version": 1,
    }
    assert await browser.until("changed") == {
        "type": "changed",
        "list": "runs",
        "ids": ["a", "b"],
        "version": 2,
    }
    assert (await browser.until("heartbeat"))["version"] == 2
    assert await in_thread(publish.list_version, [team.pk]) == 2


async def test_approvals_hear_nothing_of_runs_and_nobody_of_other_teams(opened, team, viewer):
    browser = await opened("/ws/approvals", viewer)
    await browser.until("heartbeat")
    other = await in_thread(rows.make_team)
    await in_thread(publish.team_changed, other.pk, "approvals", ["not yours"])
    await in_thread(publish.team_changed, team.pk, "runs", ["not here"])
    await in_thread(publish.team_changed, team.pk, "approvals", ["yes"])
    assert await browser.until("changed") == {
        "type": "changed",
        "list": "approvals",
        "ids": ["yes"],
        "version": 1,
    }


async def test_a_run_that_changes_shows_in_the_list(opened, team, viewer):
    run = await in_thread(rows.make_run, team)
    browser = await opened("/ws/overview", viewer)
    await browser.until("heartbeat")
    await in_thread(publish.announce, run.pk, team.pk, [{"seq": 1, "kind": "step.opened", "data": {}}])
    await in_thread(publish.announce, run.pk, team.pk, [{"seq": 2, "kind": "run.changed", "data": {}}])
    assert await browser.until("changed") == {
        "type": "changed",
        "list": "runs",
        "ids": [str(run.pk)],
        "version": 1,
    }


async def test_a_lost_change_is_noticed_at_the_next_one(opened, hub, team, viewer, server):
    hub._beat_seconds = 3600
    browser = await opened("/ws/approvals", viewer)
    await browser.until("heartbeat")
    await in_thread(publish.team_changed, team.pk, "approvals", [1])
    await browser.until("changed")
    await server.incr(version_key(team.pk, "approvals"))
    await in_thread(publish.team_changed, team.pk, "approvals", [3])
    while (frame := await browser.until("changed", "resync", "heartbeat"))["type"] == "heartbeat":
        pass
    assert frame["version"] == 3


async def test_a_lost_last_change_is_noticed_by_the_heartbeat(opened, team, viewer, server):
    browser = await opened("/ws/approvals", viewer)
    await browser.until("heartbeat")
    await server.incr(version_key(team.pk, "approvals"))
    while (await browser.until("heartbeat"))["version"] != 1:
        pass


async def test_a_lost_connection_to_redis_ends_in_a_resync(opened, team, viewer, server):
    browser = await opened("/ws/overview", viewer)
    await browser.until("heartbeat")
    await server.client_kill_filter(_type="pubsub")
    assert await browser.until("resync") == {"type": "resync", "version": 0}


async def test_a_new_membership_is_followed_without_reconnecting(opened, team):
    person = await in_thread(rows.make_person, team)
    browser = await opened("/ws/overview", await in_thread(rows.sign_in, person))
    await browser.until("heartbeat")
    other = await in_thread(rows.make_team)
    await in_thread(publish.team_changed, other.pk, "runs", ["before"])
    await in_thread(Membership.objects.create, team=other, user=person, role=Role.VIEWER)
    while (await browser.until("heartbeat"))["version"] != 1:
        pass
    await in_thread(publish.team_changed, other.pk, "runs", ["after"])
    assert (await browser.until("changed"))["ids"] == ["after"]
