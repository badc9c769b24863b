"""One team's thousand runs do not starve another's one: whose turn it is, who makes room, and who may carry what."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from agentops.core.messages import text_of
from agentops.core.models import ModelAnswer, ModelRequest, OnAttempt, OnDelta, ToolUse
from runs import fairness, lease
from runs.fairness import Load, to_leave
from runs.models import Agent, Run
from runs.worker import Worker
from tests.acceptance.stack import eventually
from tests.engine.doubles import CENT, calls, says

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

LIMITS = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 10**6, "max_cost_usd": 1, "max_seconds": 900}


def due(of: Agent, count: int = 1, **fields: Any) -> list[Run]:
    """Queued runs, each due a millisecond after the one before, the last of them now."""
    whose = {"team": of.team, "agent": of, "agent_name": of.name, "version": of.live, "goal": of.name}
    now = timezone.now()
    return Run.objects.bulk_create(
        Run(**{**whose, **LIMITS, "wake_at": now - timedelta(milliseconds=count - number), **fields})
        for number in range(count)
    )


def agent(of: Any = None, **version: Any) -> Agent:
    return make.agent(of or make.team(), **version)


def taken(worker: str = "here") -> str | None:
    held = lease.acquire_fairest(worker)
    return held.run_id if held else None


# ── whose turn it is ───────────────────────────────────────────────────────────────────────────


def test_the_team_with_the_fewest_running_runs_comes_first() -> None:
    crowd, one = agent(), agent()
    due(crowd, 50)
    [single] = due(one)
    assert taken() != str(single.pk), "nobody has a run yet: the one that has waited the longest"
    assert taken() == str(single.pk)
    assert [Run.objects.get(pk=taken()).team_id for _ in range(3)] == [crowd.team_id] * 3


def test_teams_with_due_runs_take_turns() -> None:
    teams = [agent() for _ in range(3)]
    for one in teams:
        due(one, 10)
    order = [Run.objects.get(pk=taken()).team_id for _ in range(9)]
    for turn in (order[:3], order[3:6], order[6:]):
        assert sorted(turn) == sorted(one.team_id for one in teams)


def test_within_a_team_its_agents_take_turns_also_one_that_was_deleted() -> None:
    busy = agent()
    quiet = agent(busy.team)
    due(busy, 20)
    due(quiet, 3)
    due(busy, 2, agent=None, version=None)
    order = [Run.objects.get(pk=taken()).agent_id for _ in range(6)]
    assert sorted(order[:3], key=str) == sorted(order[3:], key=str) == sorted([busy.pk, quiet.pk, None], key=str)


def test_within_a_team_a_higher_priority_goes_first() -> None:
    one = agent()
    [low], [normal] = due(one, priority=-1), due(one)
    [high], [other] = due(one, priority=1), due(agent(one.team))
    assert taken() == str(high.pk)
    assert taken() == str(other.pk), "of equal priority: the agent that has none running"
    assert taken() == str(normal.pk)
    assert taken() == str(low.pk)
    assert taken() is None


def test_a_high_priority_does_not_push_another_team_aside() -> None:
    loud, quiet = agent(), agent()
    due(loud, 5, priority=1)
    due(quiet, 5, priority=-1)
    order = [Run.objects.get(pk=taken()).team_id for _ in range(6)]
    assert order.count(quiet.team_id) == 3


def test_among_equals_the_one_that_waits_the_longest_goes_first() -> None:
    first, second = agent(), agent()
    [young] = due(first)
    [old] = due(second, wake_at=timezone.now() - timedelta(seconds=9))
    assert [taken(), taken()] == [str(old.pk), str(young.pk)]


def test_runs_that_wait_or_are_held_are_not_taken_and_ones_left_behind_are() -> None:
    one = agent()
    due(one, status="waiting", waiting_on="approval", wake_at=None)
    due(one, status="waiting", waiting_on="backoff", wake_at=timezone.now() + timedelta(hours=1))
    due(one, status="running", worker="other", wake_at=timezone.now() + timedelta(hours=1))
    [handed_over] = due(one, status="running", worker="")
    [abandoned] = due(one, status="running", worker="dead", wake_at=timezone.now() - timedelta(seconds=1))
    held = lease.acquire_fairest("here")
    assert held and (held.run_id, held.recovered) == (str(abandoned.pk), True)
    held = lease.acquire_fairest("here")
    assert held and (held.run_id, held.recovered) == (str(handed_over.pk), False)
    assert taken() is None


def test_a_run_that_another_worker_takes_at_this_moment_is_passed_over() -> None:
    one = agent()
    first, second = due(one, 2)
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=first.pk)
        [other] = make.at_once(taken)
        assert other == str(second.pk)


def test_teams_that_have_none_running_take_turns_at_a_worker() -> None:
    first, second = agent(), agent()
    due(first, 3)
    due(second, 3)
    order, served = [], []
    for _ in range(4):
        held = lease.acquire_fairest("here", served)
        assert held
        served = [*(team for team in served if team != held.team_id), held.team_id]
        order.append(held.team_id)
        Run.objects.filter(pk=held.run_id).update(status="succeeded", wake_at=None, ended_at=timezone.now())
    assert order == [first.team_id, second.team_id, first.team_id, second.team_id]


def test_two_workers_never_take_one_run() -> None:
    due(agent(), 12)
    due(agent(), 12)

    def take_all() -> list[str]:
        return list(iter(taken, None))

    both = make.at_once(take_all, take_all)
    assert len(both[0] + both[1]) == len({*both[0], *both[1]}) == 24


def test_runs_that_need_a_newer_worker_are_left_for_one() -> None:
    one = agent()
    [newer] = due(one, needs=lease.PROTOCOL + 1, wake_at=timezone.now() - timedelta(seconds=5))
    [ours] = due(one, needs=lease.PROTOCOL)
    assert lease.acquire(str(newer.pk), "here") is None
    assert taken() == str(ours.pk)
    assert taken() is None
    newer.refresh_from_db()
    assert (newer.status, newer.fence) == ("queued", 0)


def test_the_turn_is_found_without_looking_at_those_that_wait() -> None:
    """3,000 are due and 300 run: the plan goes by the index of the fair order and by that of the running ones."""
    crowd = agent()
    due(crowd, 3000)
    due(crowd, 300, status="running", worker="other", wake_at=timezone.now() + timedelta(hours=1))
    [single] = due(agent())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE runs_run")
        values = {"worker": "here", "seconds": 10, "protocol": lease.PROTOCOL, "served": []}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {lease.ACQUIRE_FAIREST}", values)
        [[plan]] = cursor.fetchall()
    parts = list(nodes(plan[0]["Plan"]))
    assert not [part for part in parts if part["Node Type"] in {"Seq Scan", "Bitmap Heap Scan"}]
    looked_at = sum(part["Actual Rows"] * part["Actual Loops"] for part in parts if "Index Name" in part)
    assert looked_at < 330, "the running ones, and a row a team"
    single.refresh_from_db()
    assert single.status == "running"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


# ── who makes room ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("teams", "leaving"),
    [
        ([], {}),
        ([Load(1, 10, 10, 0)], {}),
        ([Load(1, 10, 10, 500)], {}),
        ([Load(1, 10, 10, 0), Load(2, 0, 0, 1)], {1: 1}),
        ([Load(1, 10, 5, 0), Load(2, 0, 0, 4)], {1: 2}),
        ([Load(1, 10, 10, 90), Load(2, 0, 0, 90)], {1: 5}),
        ([Load(1, 5, 5, 90), Load(2, 5, 5, 90)], {}),
        ([Load(1, 8, 8, 0), Load(2, 6, 6, 0), Load(3, 1, 1, 9)], {1: 3, 2: 1}),
        ([Load(1, 1, 1, 0), Load(2, 1, 1, 0), Load(3, 0, 0, 1)], {}),
        ([Load(1, 10, 0, 0), Load(2, 0, 0, 1)], {1: 0}),
    ],
)
def test_who_has_more_than_an_even_share_makes_room(teams: list[Load], leaving: dict[int, int]) -> None:
    assert to_leave(teams) == leaving


def test_only_runs_that_have_been_due_for_a_while_count_as_late() -> None:
    crowd, late, fresh, newer = agent(), agent(), agent(), agent()
    due(crowd, 3)
    held = [taken("here"), taken("here"), taken("there")]
    assert None not in held
    due(late, 2, wake_at=timezone.now() - timedelta(seconds=fairness.LATE_SECONDS + 1))
    due(fresh, 2, wake_at=timezone.now())
    due(newer, 2, wake_at=timezone.now() - timedelta(minutes=1), needs=lease.PROTOCOL + 1)
    known = {load.team_id: load for load in fairness.loads("here", lease.PROTOCOL)}
    assert known == {crowd.team_id: Load(crowd.team_id, 3, 2, 0), late.team_id: Load(late.team_id, 0, 0, 2)}


# ── in a worker ────────────────────────────────────────────────────────────────────────────────


class Model:
    """Says "Done." at once, or goes on writing files while `busy` says so of the goal; remembers who asked."""

    def __init__(self, busy: Callable[[str], bool] = lambda goal: False) -> None:
        self.busy = busy
        self.asked: list[str] = []

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        goal = text_of(request.messages[0]["content"])
        self.asked.append(goal)
        if not self.busy(goal):
            return says("Done.")
        await asyncio.sleep(0.01)
        number = len(self.asked)
        use = ToolUse(f"use_{number}", "write_file", {"path": f"{number}.txt", "text": str(number)})
        return calls(use)

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Any:
        return CENT


@contextmanager
def celery(model: Model, slots: int) -> Iterator[tuple[Worker, Callable[[Run], Future[None]]]]:
    """A worker whose threads take hints in their order, as Celery's do."""
    with closing(Worker(model, slots)) as worker, ThreadPoolExecutor(slots) as threads:
        yield worker, lambda run: threads.submit(worker.advance, str(run.pk))


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.AGENTOPS_WORKSPACES = tmp_path


@pytest.mark.parametrize("slots", [1, 4])
def test_one_run_behind_a_crowds_hints_starts_among_the_first_and_none_is_lost(slots: int) -> None:
    crowd, single = agent(), agent()
    runs = [*due(crowd, 60), *due(single)]
    model = Model()
    with celery(model, slots) as (_, send):
        for answer in [send(run) for run in runs]:
            answer.result()
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}
    order = Run.objects.order_by("started_at").values_list("team_id", flat=True)
    assert list(order).index(single.team_id) <= 2 * slots


def test_a_worker_with_room_takes_the_run_that_is_asked_for() -> None:
    one = agent()
    old, asked = due(one, 2)
    with celery(Model(), 8) as (_, send):
        send(asked).result()
    old.refresh_from_db()
    asked.refresh_from_db()
    assert (old.status, asked.status) == ("queued", "succeeded")


def test_a_hint_for_a_run_that_was_taken_is_good_for_another() -> None:
    one = agent()
    first, second = due(one, 2)
    with celery(Model(), 8) as (_, send):
        send(first).result()
        send(first).result()
    second.refresh_from_db()
    assert second.status == "succeeded"


def test_a_crowd_of_long_runs_makes_room_at_a_steps_boundary_and_goes_on_behind(settings: Any) -> None:
    settings.AGENTOPS_LEASE_SECONDS = 6  # a heartbeat every one and a half
    crowd, single = agent(tools=["write_file"]), agent()
    roomy = {"max_steps": 2000, "max_tool_calls": 2000, "max_cost_usd": 1000}
    long_ones = due(crowd, 3, **roomy)
    over = threading.Event()

    def busy(goal: str) -> bool:
        if single.name in goal:
            over.set()
        return not over.is_set() and len(model.asked) < 2000

    model = Model(busy)
    with celery(model, 2) as (worker, send):
        answers = [send(run) for run in long_ones[:2]]
        eventually(lambda: worker.engaged == 2 and len(model.asked) > 4, "both slots are taken")
        [one] = due(single, wake_at=timezone.now() - timedelta(seconds=60))
        answers += [send(one), send(long_ones[2])]
        for answer in answers:
            answer.result()
    assert over.is_set()
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}
    assert not Run.objects.exclude(recoveries=0).exists(), "they were asked to leave, not taken"
    assert len(model.asked) < 2000, "the single one began while the crowd was at work"


def test_a_worker_that_is_told_to_stop_hands_its_runs_over_and_nothing_happens_twice() -> None:
    one = agent(tools=["write_file"])
    [run] = due(one, max_steps=300, max_tool_calls=300, max_cost_usd=1000)
    over = threading.Event()
    model = Model(lambda goal: not over.is_set() and len(model.asked) < 290)
    with celery(model, 4) as (first, send), closing(Worker(model)) as second:
        leaving = send(run)
        eventually(lambda: len(model.asked) > 3, "it is at work")
        before = len(model.asked)
        first.stop()
        leaving.result()
        run.refresh_from_db()
        assert (run.status, run.worker) == ("running", ""), "it is anybody's"
        send(run).result()
        run.refresh_from_db()
        assert run.worker == "", "the first takes nothing any more"
        over.set()
        second.advance(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.recoveries) == ("succeeded", 0)
    assert len(model.asked) >= before
    assert not run.events.filter(kind="run.recovered").exists()
    written = [call.arguments["path"] for call in run.call_set.all()]
    assert len(written) == len(set(written)) == run.tool_calls
    assert {call.status for call in run.call_set.all()} == {"succeeded"}
    files = list((Path(settings.AGENTOPS_WORKSPACES) / str(run.pk)).rglob("*.txt"))
    assert {file.name for file in files} >= set(written)
