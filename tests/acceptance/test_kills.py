"""Workers are killed without a word, again and again, while runs act on the world and spend a day's budget."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Now

from runs.actions import resolve_in_doubt, save_budget
from runs.models import Account, Budget, ModelCall, Run, ToolCall
from runs.models.run import RunQuerySet

from .stack import RUN_WORKERS, Stack, eventually
from .world import (
    World,
    assert_at_rest,
    assert_effects_once,
    call,
    call_id,
    describe,
    ended,
    executing,
    kinds,
    turn,
    use,
    waits,
)

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]

RUNS = 50
KILLS = 2
"""In each half: before the limit is raised, and after."""
LIMIT = Decimal("1.00")

OVER = """
SELECT b.limit_usd, a.spent, a.held, (SELECT coalesce(sum(cost_usd), 0) FROM runs_modelcall)
FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id
"""


def script(random_: random.Random) -> list[dict[str, object]]:
    """Four turns and the closing one; effects take long enough for a kill to fall before and after them."""

    def slowly() -> dict[str, float]:
        return {"before": random_.uniform(0, 0.5), "after": random_.uniform(0, 0.5)}

    def costly(*tools: dict[str, object]) -> dict[str, object]:
        return turn(*tools, text="x" * 400, delay_ms=40, deltas=10)

    return [
        costly(use("look")),
        costly(use("register", what="a", **slowly()), use("pay", what="f", **slowly())),
        costly(use("pay", what="b", **slowly())),
        costly(use("pay", what="c", **slowly()), use("register", what="d", **slowly()), use("pay", what="e")),
    ]


@contextmanager
def watching_the_budget(stack: Stack) -> Iterator[list[tuple[Decimal, ...]]]:
    """Samples of limit, spent, held and the sum of all bills, each as of one moment."""
    samples: list[tuple[Decimal, ...]] = []
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(stack.variables["DATABASE_URL"], autocommit=True) as database:
            while not over.wait(0.05):
                samples.extend(database.execute(OVER))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def settle_doubts(world: World, stack: Stack) -> None:
    """As a person would: look outside whether it happened, and say so."""
    for doubt in ToolCall.objects.filter(status="in_doubt", run__status="waiting").select_related("step"):
        happened = call_id(doubt) in stack.ledger.count()
        resolve_in_doubt(world.actor, doubt.pk, "happened" if happened else "did_not_happen")


def kill_some(stack: Stack, runs: RunQuerySet, random_: random.Random) -> None:
    """Kill workers that hold runs, at moments drawn by lot, and start them again."""
    for _ in range(KILLS):
        enough = ToolCall.objects.count() + 8
        eventually(
            lambda enough=enough: (holders(stack) and ToolCall.objects.count() >= enough) or stand_still(runs),
            "runs get on",
        )
        moment = time.monotonic() + random_.uniform(0, 0.3)
        eventually(lambda moment=moment: time.monotonic() > moment, "the moment has come")
        if victims := holders(stack):
            victim = random_.choice(victims)
            stack.kill(victim)
            stack.ensure([victim], wait=False)


def test_killed_workers_lose_no_run_repeat_no_effect_and_overspend_nothing(stack: Stack, world: World) -> None:
    random_ = random.Random(20261121)
    budget = save_budget(world.actor, Budget(team=None, period="day", limit_usd=LIMIT))
    runs = [world.start(script(random_)) for _ in range(RUNS)]
    mine = Run.objects.filter(pk__in=[run.pk for run in runs])

    with watching_the_budget(stack) as samples:
        kill_some(stack, mine, random_)
        eventually(
            lambda: settle_doubts(world, stack) or stand_still(mine),
            "all stand still",
            details=lambda: describe(mine.live()),
        )
        assert mine.filter(waiting_on="budget").exists(), "no run reached the limit"
        budget.limit_usd = LIMIT * 10
        save_budget(world.actor, budget)
        kill_some(stack, mine, random_)
        eventually(
            lambda: settle_doubts(world, stack) or not mine.live().exists(),
            "every run ends",
            details=lambda: describe(mine.live()),
        )

    assert mine.count() == RUNS
    assert set(mine.values_list("status", flat=True)) == {"succeeded"}, describe(mine.exclude(status="succeeded"))
    assert_at_rest(runs)
    assert_effects_once(stack.ledger.count(), runs)
    assert samples
    assert [sample for sample in samples if sample[1] + sample[2] > sample[0] or sample[3] > sample[0]] == []
    billed = ModelCall.objects.aggregate(all=Sum("cost_usd"))["all"]
    assert Account.objects.get().spent == billed == mine.aggregate(all=Sum("cost_usd"))["all"]
    recovered = sum(kinds(run).count("run.recovered") for run in runs)
    doubted = ToolCall.objects.exclude(resolved_by_name="").count()
    print(f"{recovered} recoveries, {doubted} calls in doubt, {billed} USD")
    assert recovered
    assert doubted


def stand_still(runs: RunQuerySet) -> bool:
    """Nothing runs, and nothing will before tomorrow's budget."""
    soon = Now() + timedelta(seconds=10)
    return not runs.live().exclude(status="waiting", waiting_on="budget", wake_at__gt=soon).exists()


def holders(stack: Stack) -> list[str]:
    """The workers that hold runs, by their names in the stack."""
    workers = Run.objects.filter(status="running").exclude(worker="").values_list("worker", flat=True)
    return stack.named({int(worker.rpartition(":")[2]) for worker in workers})


@pytest.mark.parametrize(
    ("outcome", "status", "times"),
    [("happened", "succeeded", 1), ("did_not_happen", "failed", 0), ("do_it_now", "succeeded", 1)],
)
def test_a_person_settles_what_nobody_knows(stack: Stack, world: World, outcome: str, status: str, times: int) -> None:
    slow = {"after": 60.0} if outcome == "happened" else {"before": 3.0}
    run = world.start([turn(use("pay", what="it", **slow)), turn(text="{{last}}", stop_reason="end_turn")])
    paying = executing(run, "pay")
    if outcome == "happened":
        eventually(lambda: call_id(paying) in stack.ledger.count(), "it is paid")
    stack.kill(*holders(stack))
    waits(run, "in_doubt")
    assert call(run, "pay").status == "in_doubt"
    resolve_in_doubt(world.actor, paying.pk, outcome, note="I looked.")
    assert ended(run).status == "succeeded"
    assert call(run, "pay").status == status
    assert stack.ledger.count()[call_id(paying)] == times
    assert ("A person checked" in run.answer) == (outcome != "do_it_now")
    assert_at_rest([run])


def test_a_worker_told_to_stop_hands_its_runs_over(stack: Stack, world: World) -> None:
    runs = [
        world.start(
            [
                turn(use("pay", what="a", before=0.2, after=0.2), delay_ms=50, deltas=5),
                turn(use("pay", what="b", before=0.2, after=0.2), delay_ms=50, deltas=5),
                turn(use("register", what="c"), delay_ms=50, deltas=5),
            ]
        )
        for _ in range(12)
    ]
    leaving = eventually(lambda: holders(stack), "workers hold runs")[0]
    stopped = stack.terminate(leaving)
    for run in runs:
        assert ended(run).status == "succeeded"
    assert stopped.wait() == 0
    assert not ToolCall.objects.filter(status="in_doubt").exists()
    assert all("run.recovered" not in kinds(run) for run in runs)
    assert_at_rest(runs)
    assert_effects_once(stack.ledger.count(), runs)


def test_a_killed_workers_run_goes_on_at_another(stack: Stack, world: World) -> None:
    stack.ensure(ACCEPTANCE_LEASE_SECONDS=str(settings.AGENTOPS_LEASE_SECONDS))  # the product's own
    run = world.start([turn(use("look"), text="x" * 400, delay_ms=100, deltas=20)])
    eventually(lambda: run.step_set.filter(status="calling").exists(), "the model is asked")
    [killed] = holders(stack)
    [survivor] = set(RUN_WORKERS) - {killed}
    stack.kill(killed)
    begin = time.monotonic()
    eventually(lambda: "run.recovered" in kinds(run), "another worker takes the run")
    print(f"taken up again after {time.monotonic() - begin:.1f} s")
    assert holders(stack) == [survivor]
    assert ended(run).status == "succeeded"
    lost = ModelCall.objects.get(run=run, estimated=True)
    assert lost.error_kind == "abandoned"
    assert_at_rest([run])
