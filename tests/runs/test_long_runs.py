"""A run of hundreds of turns stays within its context, remembers its goal and its facts, and is the same after a
restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentops.core.messages import text_of
from agentops.core.models import ModelAnswer, ModelRequest, OnAttempt, OnDelta
from agentops.gateway.gateway import Gateway
from runs import estimating, lease, loading
from runs.actions import pause_run, resume_run, send_message
from runs.committing import returning_connection
from runs.models import ModelCall, Run, Step
from runs.worker import Worker
from tests.engine.doubles import check_conversation

from . import factories as make
from . import whole
from .whole import carry, turn

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET = 12_000
OUTPUT = 1_000
FACT = "Fact: order A-77 costs 129.00 USD."


class Watched(Gateway):
    """The real way to the simulator; it counts each request there before it is made."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.turns: list[tuple[ModelRequest, int]] = []
        self.summaries: list[ModelRequest] = []
        self.before: dict[int, Callable[[], object]] = {}
        """What to do before the request of this turn."""
        self.before_summary: Callable[[], object] | None = None

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        if not request.tools:
            self.summaries.append(request)
            if act := self.before_summary:
                self.before_summary = None
                await asyncio.to_thread(returning_connection, act)
        else:
            self.turns.append((request, await self.count(request) or 0))
        if act := self.before.pop(len(self.turns), None):
            await asyncio.to_thread(returning_connection, act)
        return await super().complete(request, on_delta=on_delta, on_failed_attempt=on_failed_attempt)


@pytest.fixture
def model(simulator_url: str) -> Watched:
    return Watched(api_key="any", base_url=simulator_url, pricing=estimating.pricing(), provider="simulator")


@pytest.fixture
def worker(transactional_db: None, model: Watched, settings: Any, tmp_path: Path) -> Iterator[Worker]:
    settings.AGENTOPS_WORKSPACES = tmp_path / "work"
    made = Worker(model)
    yield made
    made.close()


def long_run(turns: int, budget: int = BUDGET) -> Run:
    team = make.team()
    agent = whole.agent(
        team,
        "write_file",
        "note_fact",
        context_tokens=budget,
        max_output_tokens=OUTPUT,
        max_steps=1_000,
        max_tool_calls=1_000,
        max_tokens=100_000_000,
        max_cost_usd=100,
    )
    first = [
        turn(("write_file", {"path": "order.txt", "text": f"{FACT}\n{'-' * 300}"})),
        turn(("note_fact", {"name": "customer", "fact": "C-42"})),
    ]
    each = turn(("write_file", {"path": "notes/{{n}}.txt", "text": "Note {{n}}. " * 40}), text="Note {{n}} comes next.")
    actor = make.admin(team)
    run, _ = whole.start_run(actor, agent=agent.name, goal=whole.scripted(first, turn=each, times=turns - 3), via="api")
    return run


def test_a_run_of_300_turns_stays_within_its_context_and_remembers(worker: Worker, model: Watched) -> None:
    run = carry(worker, long_run(300))
    assert (run.status, run.stop_reason) == ("succeeded", "answered"), run.stop_detail
    assert len(model.turns) == 300
    assert max(tokens for _, tokens in model.turns) <= BUDGET - OUTPUT
    for request, _ in model.turns:
        check_conversation(request.messages)
        assert request.messages[0]["content"][0]["text"].startswith(f"Your goal: {run.goal}")
    last, _ = model.turns[-1]
    assert FACT in text_of(last.messages[0]["content"])
    assert "- customer: C-42" in last.reminder
    compactions = Step.objects.filter(run=run, kind="compaction").order_by("number")
    assert len(compactions) == len(model.summaries) >= 3
    for step in compactions:
        assert step.status == "answered"
        assert step.details["after"] < 0.7 * step.details["before"]
        assert step.details["model"] == whole.MODEL
        assert 0 < step.details["upto"] < step.number
        assert ModelCall.objects.filter(step=step).count() == 1
    assert run.steps == 300 + len(compactions)
    sizes = [step.context for step in Step.objects.filter(run=run, kind="turn").order_by("number")]
    for (_, tokens), parts in zip(model.turns, sizes, strict=True):
        used = sum(parts[part] for part in ("system", "tools", "history", "facts"))
        assert parts["budget"] == BUDGET
        assert used == pytest.approx(tokens, rel=0.3)


def test_a_shortened_run_is_the_same_after_a_restart(worker: Worker, model: Watched) -> None:
    run = long_run(60, 6_000)
    boss = make.admin(run.team)
    model.before[40] = lambda: pause_run(boss, run.pk)
    model.before[25] = lambda: send_message(boss, run.pk, "Leave the invoices alone.")
    assert carry(worker, run).status == "paused"
    assert Step.objects.filter(run=run, kind="compaction").exists()
    fresh, _ = loading.load(str(run.pk), run.fence)
    asked, _ = model.turns[-1]
    assert fresh.messages[:-1] == asked.messages
    assert fresh.known_tokens > 0
    resume_run(boss, run.pk)
    assert carry(worker, run).status == "succeeded"
    after, _ = model.turns[40]
    assert after.messages[: len(fresh.messages)] == fresh.messages or len(after.messages) < len(fresh.messages)
    said = [block for block in model.turns[-1][0].messages[0]["content"] if "says: Leave" in block.get("text", "")]
    assert len(said) == 1
    state, _ = loading.load(str(run.pk), run.fence)
    assert state.messages[:-1] == model.turns[-1][0].messages


def test_a_worker_that_dies_while_it_shortens_costs_no_conversation(worker: Worker, model: Watched) -> None:
    """What it had begun is billed by an estimate, and done again by the next."""
    run = long_run(60, 6_000)

    def taken() -> None:
        """By another worker, which dies at once."""
        make.lose_lease(run)
        lease.acquire(str(run.pk), "another")
        make.lose_lease(run)

    model.before_summary = taken
    carry(worker, run)
    assert carry(worker, run).status == "succeeded", run.stop_detail
    first, second = Step.objects.filter(run=run, kind="compaction").order_by("number")[:2]
    assert (first.status, second.status) == ("abandoned", "answered")
    for request, tokens in model.turns:
        check_conversation(request.messages)
        assert tokens <= 6_000 - OUTPUT
    assert ModelCall.objects.filter(step=first).exists()
