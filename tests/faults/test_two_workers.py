"""Two workers with the same run: the one whose lease was taken writes nothing, whatever it tries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from agentops.core.errors import LeaseLost
from agentops.core.messages import user
from agentops.core.models import Attempt
from agentops.core.states import StopReason
from agentops.engine import state as engine
from agentops.engine.interrupts import End
from agentops.engine.journal import Journal
from runs import lease
from runs.models import Event, ModelCall, Run, Step, ToolCall
from runs.recorder import Recorder
from tests.runs import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

ONLY_READ = {"unread", "limits_raised", "report"}
SPEAK_LATE = {"settle_late"}
"""What is learned after a run was taken is still recorded, each row guarding itself (tests/runs/test_journal.py)."""
WRITE = sorted(
    name
    for name, method in vars(Journal).items()
    if inspect.iscoroutinefunction(method) and name not in ONLY_READ | SPEAK_LATE and hasattr(Recorder, name)
)
END = End(StopReason.ANSWERED, "Done.")


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def arguments(hand: make.Hand) -> dict[str, Any]:
    """What a worker that is about to use any method of its journal has in hand, by the parameters' names."""
    step = hand.step or hand.state.interrupted
    attempt: Attempt = make.bill(number=1)
    running = make.settled(*hand.state.calls)
    return {
        "state": hand.state,
        "step": step,
        "opening": engine.Opening(user("Go on")) if hasattr(engine, "Opening") else None,
        "message": user("Go on"),
        "hold": Decimal("0.01"),
        "heard": [],
        "done": running,
        "attempt": attempt,
        "attempts": [attempt],
        "answer": make.answer("note"),
        "calls": [],
        "end": END,
        "interrupt": END,
        "order": None,
        "asked": engine.Asked(1, "Ann", "Why?", "Note it"),
        "error": "It is down.",
        "problem": "It is down.",
        "summary": "What was said.",
        "details": {"upto": 1, "kept": 0},
        "steps": None,
    }


def taken(executor: ThreadPoolExecutor, prepare: Callable[[make.Hand], None]) -> tuple[Run, make.Hand, make.Hand]:
    """A run, the hand that lost it after `prepare`, and the hand that has it now."""
    run = make.run()
    first = lease.acquire(str(run.pk), "first")
    assert first is not None
    old = make.Hand(first, executor)
    prepare(old)
    make.lose_lease(run)
    second = lease.acquire(str(run.pk), "second")
    assert second is not None
    return run, old, make.Hand(second, executor)


def rows(run: Run) -> list[Any]:
    tables = (Run.objects.filter(pk=run.pk), *(model.objects.filter(run=run) for model in OF_A_RUN))
    return [list(table.order_by("pk").values()) for table in tables]


OF_A_RUN = (Step, ToolCall, ModelCall, Event)


def asking(hand: make.Hand) -> None:
    """The model is asked."""
    hand.open()
    hand.state.interrupted = hand.step


def acting(hand: make.Hand) -> None:
    """A tool executes."""
    hand.open()
    hand.answer(make.answer("note", "look"))
    hand.state.interrupted = engine.OpenStep(hand.state.step_id, hand.state.turn)


@pytest.mark.parametrize("busy", [asking, acting])
@pytest.mark.parametrize("name", WRITE)
def test_a_worker_whose_run_was_taken_writes_nothing(
    executor: ThreadPoolExecutor, name: str, busy: Callable[[make.Hand], None]
) -> None:
    run, old, _ = taken(executor, busy)
    method = getattr(old.recorder, name)
    known = arguments(old)
    unknown = set(inspect.signature(method).parameters) - set(known)
    assert not unknown, f"Say in arguments() what a worker gives {name} for {unknown}."
    before = rows(run)
    with pytest.raises(LeaseLost):
        old.do(method(**{parameter: known[parameter] for parameter in inspect.signature(method).parameters}))
    assert rows(run) == before


def test_the_worker_that_has_the_run_goes_on(executor: ThreadPoolExecutor) -> None:
    run, old, new = taken(executor, asking)
    with pytest.raises(LeaseLost):
        old.finish()
    new.reopen()
    new.finish()
    run.refresh_from_db()
    assert (run.status, run.fence) == ("succeeded", 2)


def test_of_two_workers_at_once_one_gets_the_run(executor: ThreadPoolExecutor) -> None:
    run = make.run()
    leases = make.at_once(*(lambda: lease.acquire(str(run.pk), "either") for _ in range(4)))
    assert sum(one is not None for one in leases) == 1
