"""Who carries runs, as the workers page and REST tell it: from signs of life in Redis and leases in the database."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.models import Role
from agentops.live import channels, roster
from runs import lease, sweep, wake
from runs.models import Run
from runs.pages import vitals
from runs.worker import Worker
from tests.acceptance.stack import eventually
from tests.api import factories as make
from tests.engine.doubles import ScriptedModel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """Nobody lives, nothing is queued, and nothing is remembered."""
    with closing(redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)) as client:
        for key in client.scan_iter(match=f"{channels.worker_key('')}*"):
            client.delete(key)
        client.delete(wake.QUEUE)
        monkeypatch.setattr(vitals, "_known", None)
        yield client
        for key in client.scan_iter(match=f"{channels.worker_key('')}*"):
            client.delete(key)


def says(server: redis.Redis, name: str, **facts: Any) -> None:
    known = {
        "version": "9.1.0",
        "protocol": lease.PROTOCOL,
        "host": "box",
        "pid": 7,
        "slots": 40,
        "active": 0,
        "draining": False,
        "started_at": timezone.now().isoformat(),
        "lag_ms": 1.5,
        "memory_bytes": 123_000_000,
    }
    server.set(channels.worker_key(name), json.dumps(known | facts), ex=15)


@pytest.fixture
def dead_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def operator(of: Any = None) -> Client:
    return make.signed_in(make.person(of or make.team(), Role.OPERATOR))


def page(client: Client) -> str:
    answer = client.get(reverse("workers"))
    assert answer.status_code == 200
    return answer.content.decode()


def running(of: Any, worker: str, seconds: float = 60, **fields: Any) -> Run:
    ends = timezone.now() + timedelta(seconds=seconds)
    return make.run(make.agent(of), status="running", worker=worker, wake_at=ends, **fields)


def due(of: Any, seconds: float = 5, **fields: Any) -> Run:
    return make.run(make.agent(of), wake_at=timezone.now() - timedelta(seconds=seconds), **fields)


# ── presence ───────────────────────────────────────────────────────────────────────────────────


def test_a_worker_says_what_it_is_and_when_it_drains_and_is_gone_when_it_ends() -> None:
    with closing(Worker(ScriptedModel(), slots=12)) as worker:
        [one] = eventually(roster.look, "it says that it lives")
        assert (one.name, one.pid, one.slots, one.active) == (worker.name, os.getpid(), 12, 0)
        assert (one.protocol, one.draining) == (lease.PROTOCOL, False)
        assert one.version and one.started_at and one.memory_bytes and one.lag_ms is not None
        assert one.seconds_ago < 15
        worker.stop()
        eventually(lambda: [known.draining for known in roster.look() or []] == [True], "it says so at once")
    assert roster.look() == []


def test_a_worker_of_before_is_understood_as_far_as_it_goes(server: redis.Redis) -> None:
    server.set(channels.worker_key("old:1"), "3", ex=15)
    server.set(channels.worker_key("odd:1"), '{"active": "many"}', ex=15)
    odd, old = roster.look() or []
    assert (old.name, old.active, old.protocol, old.version) == ("old:1", 3, 1, "")
    assert (odd.name, odd.active) == ("odd:1", 0)
    assert "old:1" in page(operator())


# ── the page ───────────────────────────────────────────────────────────────────────────────────


def test_the_page_tells_of_every_worker_its_load_its_version_and_its_state(server: redis.Redis) -> None:
    mine = make.team()
    says(server, "full:1", slots=2)
    says(server, "leaving:2", draining=True)
    says(server, "older:3", protocol=lease.PROTOCOL - 1, version="8.0.0")
    for _ in range(2):
        running(mine, "full:1")
    shown = page(operator(mine))
    for words in ("full:1", "Full", "Draining", "Ready", "8.0.0", "older", "117.3", "/ 40"):
        assert words in shown, words
    assert 'value="2" max="2"' in shown


def test_a_worker_that_says_nothing_for_long_is_not_called_ready(server: redis.Redis) -> None:
    says(server, "stopped:1")
    server.expire(channels.worker_key("stopped:1"), 4)
    shown = page(operator())
    assert "Overdue" in shown and "Ready" not in shown


def test_leases_of_a_silent_worker_are_told_with_their_end(server: redis.Redis) -> None:
    mine = make.team()
    says(server, "alive:1")
    running(mine, "dead:2", 7.9)
    running(mine, "gone:3", -3)
    shown = page(operator(mine))
    assert re.search(r"taken over in [4-8] s", shown)
    assert "its leases have ended" in shown


def test_the_queue_is_told_by_team_and_others_teams_without_their_names(server: redis.Redis) -> None:
    mine, theirs = make.team("mine"), make.team("theirs")
    says(server, "alive:1")
    running(mine, "alive:1")
    due(mine, 125)
    due(theirs, 5)
    make.run(make.agent(theirs), status="waiting", waiting_on="approval")
    shown = page(operator(mine))
    assert re.search(r"2 min \d+ s", shown)
    assert "Teams that you do not see" in shown
    assert "theirs" not in shown
    assert "theirs" in page(make.signed_in(make.person(is_superuser=True)))


def test_without_a_worker_the_page_says_what_to_start() -> None:
    shown = page(operator())
    assert "No worker is running" in shown
    assert "manage.py up" in shown


def test_with_redis_gone_the_page_tells_of_the_leases(dead_redis: None) -> None:
    mine = make.team()
    running(mine, "somebody:1")
    shown = page(operator(mine))
    assert "Redis does not answer" in shown
    assert "somebody:1" in shown
    assert "Unknown" in shown
    assert "taken over in" not in shown


def test_a_run_that_no_living_worker_can_carry_says_so_on_both_pages(
    server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = make.team()
    run = due(mine, needs=2)
    says(server, "older:1", protocol=1)
    client = operator(mine)
    assert "1 run waits for a newer worker" in page(client)
    assert "waits for a newer worker" in client.get(reverse("run", args=[run.pk])).content.decode()
    says(server, "newer:1", protocol=2)
    monkeypatch.setattr(vitals, "_known", None)
    assert "newer worker" not in page(client)
    assert "newer worker" not in client.get(reverse("run", args=[run.pk])).content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_runs_nothing_is_told_who_sees_the_page(role: Role) -> None:
    client = make.signed_in(make.person(make.team(), role))
    for name in ("workers", "workers-live"):
        answer = client.get(reverse(name))
        assert answer.status_code == 403
        assert "an operator or an admin of a team" in answer.content.decode()
    assert reverse("workers") not in client.get(reverse("runs")).content.decode()
    assert reverse("workers") in operator().get(reverse("runs")).content.decode()


# ── REST ───────────────────────────────────────────────────────────────────────────────────────


def test_rest_tells_the_same(server: redis.Redis) -> None:
    mine, theirs = make.team("mine"), make.team("theirs")
    says(server, "alive:1", active=1)
    running(mine, "alive:1")
    running(mine, "dead:2", 9.9)
    due(mine, needs=lease.PROTOCOL + 1)
    due(theirs)
    told = make.caller(make.person(mine, Role.OPERATOR), "runs:read").get("/api/workers").json()
    [worker], [silent] = told["workers"], told["silent"]
    assert (worker["name"], worker["leases"], worker["slots"], worker["draining"]) == ("alive:1", 1, 40, False)
    assert (silent["name"], silent["leases"]) == ("dead:2", 1)
    assert 8 <= silent["seconds"] <= 10
    queue = {line["team"]: line for line in told["queue"]}
    assert (queue["mine"]["running"], queue["mine"]["due"], queue["mine"]["too_new"]) == (2, 1, 1)
    assert queue[None]["due"] == 1
    assert told["redis_answers"]


# ── the sweep ──────────────────────────────────────────────────────────────────────────────────


def test_the_sweep_hints_each_due_run_once_and_not_again_at_once(server: redis.Redis) -> None:
    mine = make.team()
    due(mine)
    due(mine, status="waiting", waiting_on="backoff")
    make.run(make.agent(mine), status="waiting", waiting_on="approval")
    running(mine, "alive:1")
    assert [sweep.wake_due_runs(), sweep.wake_due_runs()] == [2, 0]
    assert wake.queued() == 2


def test_the_sweep_adds_no_hints_to_a_long_queue(server: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = make.team()
    for _ in range(6):
        due(mine)
    monkeypatch.setattr(sweep, "MOST_QUEUED", 4)
    assert [sweep.wake_due_runs(), sweep.wake_due_runs()] == [4, 0]
    assert wake.queued() == 4
    server.delete(wake.QUEUE)
    assert sweep.wake_due_runs() == 2


def test_the_sweep_keeps_its_bound_whichever_way_the_database_goes_about_it(
    server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = make.team()
    for _ in range(6):
        due(mine)
    monkeypatch.setattr(sweep, "MOST_QUEUED", 4)
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("hashjoin", "mergejoin", "material", "hashagg", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        assert sweep.wake_due_runs() == 4


def test_with_redis_gone_the_sweep_marks_nothing_and_does_not_fail(settings: Any, dead_redis: None) -> None:
    run = due(make.team())
    wake._client.cache_clear()
    try:
        assert sweep.wake_due_runs() == 0
    finally:
        wake._client.cache_clear()
    run.refresh_from_db()
    assert run.hinted_at is None, "it is found as soon as Redis is back"


def test_the_sweep_sends_no_hint_for_what_no_living_worker_carries(server: redis.Redis) -> None:
    mine = make.team()
    due(mine, needs=2)
    old = due(mine, needs=1)
    says(server, "older:1", protocol=1)
    says(server, "leaving:1", protocol=2, draining=True)
    assert sweep.wake_due_runs() == 1
    old.refresh_from_db()
    assert old.hinted_at is not None
    says(server, "newer:1", protocol=2)
    assert sweep.wake_due_runs() == 1


# ── priority ───────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_started_with_a_priority_by_page_and_rest() -> None:
    mine = make.team()
    agent = make.agent(mine)
    client = operator(mine)
    form = {"agent": f"{mine.slug}/{agent.name}", "goal": "Now.", "priority": "1", "key": "k"}
    assert client.post(reverse("run-new"), form).status_code == 302
    run = Run.objects.get()
    assert run.priority == Run.Priority.HIGH
    assert "high priority" in client.get(reverse("run", args=[run.pk])).content.decode()
    refused = client.post(reverse("run-new"), form | {"priority": "9", "key": "other"})
    assert refused.status_code == 422
    assert "Choose a priority" in refused.content.decode()

    caller = make.caller(make.person(mine, Role.OPERATOR))
    body = {"agent": agent.name, "goal": "Later.", "priority": -1}
    answer = caller.post("/api/runs", body, "application/json")
    assert (answer.status_code, answer.json()["priority"]) == (201, -1)
    assert caller.post("/api/runs", body | {"priority": 2}, "application/json").status_code == 422
    assert Run.objects.count() == 2
