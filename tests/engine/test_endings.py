"""How a run leaves its worker: answered, at a limit, refused, out of reach, out of money, paused or cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.models import ModelAnswer, ModelRequest, OnAttempt
from agentops.core.states import StopReason, WaitingOn
from agentops.engine.interrupts import Pause, Release, Wait
from agentops.engine.state import OpenStep

from .doubles import (
    CENT,
    LIMITS,
    CountingTool,
    Streaming,
    World,
    attempt,
    calls,
    check_conversation,
    failed,
    run_state,
    says,
)

NOTE = ("note", {"value": 1})


def working(**limits: Any) -> World:
    turns = [calls(NOTE, words=f"Step {n}.") for n in range(1, 30)]
    return World(*turns, tools=(CountingTool("note"),), state=run_state(replace(LIMITS, **limits)))


@pytest.mark.parametrize(
    ("limits", "reason", "steps"),
    [
        ({"max_steps": 3}, StopReason.MAX_STEPS, 3),
        ({"max_tokens": 40}, StopReason.MAX_TOKENS, 3),
        ({"max_cost_usd": CENT * 3}, StopReason.MAX_COST, 3),
        ({"max_tool_calls": 2}, StopReason.MAX_TOOL_CALLS, 3),
    ],
)
async def test_a_limit_ends_the_run_with_what_it_said_and_why(
    limits: dict[str, Any], reason: StopReason, steps: int
) -> None:
    world = working(**limits)
    end = await world.ends()
    assert (end.reason, end.status) == (reason, "failed")
    assert end.answer.startswith("Step ")
    assert end.detail
    assert len(world.model.requests) == steps
    assert world.state.cost_usd <= world.state.limits.max_cost_usd


async def test_working_time_is_a_limit() -> None:
    world = working()
    world.state.active_ms = LIMITS.max_seconds * 1000
    assert (await world.ends()).reason is StopReason.MAX_SECONDS
    assert world.model.requests == []


async def test_failed_attempts_stop_at_the_runs_cost_limit() -> None:
    async def flaky(request: ModelRequest, on_failed_attempt: OnAttempt) -> ModelAnswer:
        for number in range(1, 6):
            await on_failed_attempt(attempt(number, kind="cut_short"))
        return says("Late.")

    world = World(flaky, state=run_state(replace(LIMITS, max_cost_usd=CENT * 3)))
    assert (await world.ends()).reason is StopReason.MAX_COST
    assert len(world.journal.bills) == 3
    assert world.journal.held == 0


async def test_a_second_refusal_ends_the_run_and_none_of_its_calls_run() -> None:
    tool = CountingTool("note")
    refused = calls(NOTE, words="I will not.", stop="refusal")
    world = World(refused, refused, tools=(tool,))
    end = await world.ends()
    assert (end.reason, end.answer) == (StopReason.REFUSED, "I will not.")
    assert tool.ran == [] and not world.journal.rows


async def test_a_third_truncated_answer_says_so_and_is_kept() -> None:
    world = World(*[says("Half of", stop="max_tokens")] * 3)
    end = await world.ends()
    assert (end.reason, end.answer) == (StopReason.TRUNCATED, "Half of")
    assert len(world.model.requests) == 3


@pytest.mark.parametrize("nothing", [says(""), says("  \n"), says("So far.", stop="pause_turn")])
async def test_an_answer_that_is_none_is_asked_on(nothing: ModelAnswer) -> None:
    world = World(nothing, says("42"))
    assert (await world.ends()).answer == "42"
    check_conversation(world.model.requests[-1].messages)


async def test_a_model_that_never_says_anything_stops_at_the_steps() -> None:
    world = World(*[says("")] * 20)
    assert (await world.ends()).reason is StopReason.MAX_STEPS


async def test_a_passing_failure_waits_longer_each_time_then_ends() -> None:
    for tries, expected in [(0, 1.0), (1, 2.0)]:
        world = World(failed("overloaded"), state=run_state(tries=tries))
        wait = await world.waits()
        assert (wait.on, wait.wake_after) == (WaitingOn.BACKOFF, expected)
    world = World(failed("overloaded"), state=run_state(tries=2))
    assert (await world.ends()).reason is StopReason.MODEL_FAILED


@pytest.mark.parametrize("kind", ["rejected", "auth", "not_found"])
async def test_a_lasting_failure_ends_at_once_and_is_billed_once(kind: str) -> None:
    world = World(failed(kind))
    assert (await world.ends()).reason is StopReason.MODEL_FAILED
    assert len(world.journal.bills) == 1


@pytest.mark.parametrize(("spent", "after"), [(True, None), (False, 2.0)])
async def test_no_budget_for_a_step_waits(spent: bool, after: float | None) -> None:
    world = World()
    world.journal.refuse_next = [BudgetRefused("No.", spent=spent)]
    wait = await world.waits()
    assert (wait.on, wait.wake_after, wait.detail) == (WaitingOn.BUDGET, after, "No.")
    assert world.model.requests == []


async def test_no_budget_for_another_attempt_waits_with_the_step_open() -> None:
    async def flaky(request: ModelRequest, on_failed_attempt: OnAttempt) -> ModelAnswer:
        await on_failed_attempt(attempt(kind="overloaded"))
        raise AssertionError("it was tried again without money")

    world = World(flaky)

    async def refuse(*_: Any) -> None:
        raise BudgetRefused("No.", spent=True)

    world.journal.refuse_next = []
    bill = world.journal.bill

    async def bill_then_refuse(*arguments: Any) -> None:
        await bill(*arguments)
        await refuse()

    world.journal.bill = bill_then_refuse  # type: ignore[method-assign]
    wait = await world.waits()
    assert (wait.on, world.journal.commits[-1]) == (WaitingOn.BUDGET, "fail_step")


@pytest.mark.parametrize("asked", [Pause(), Release()])
async def test_a_pause_or_release_stands_at_the_boundary_with_results_stored(asked: Pause | Release) -> None:
    tool = CountingTool("note")
    world = World(calls(NOTE), tools=(tool,))

    async def ask_then_answer(request: ModelRequest, on_failed_attempt: OnAttempt) -> ModelAnswer:
        world.journal.asked = asked
        return calls(NOTE)

    world.model.turns = [ask_then_answer]
    assert await world.advance() is asked
    assert tool.ran == [{"value": 1}]
    assert world.journal.rows[1].status == "succeeded"
    assert len(world.model.requests) == 1


async def test_a_cancelled_model_call_is_billed() -> None:
    streaming = Streaming()
    world = World(streaming)
    task = asyncio.create_task(world.advance())
    await streaming.begun.wait()
    world.journal.lost = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one.cost_usd for one in world.journal.bills] == [CENT]


async def test_an_answer_to_a_run_that_was_taken_is_billed() -> None:
    world = World()

    async def answer(request: ModelRequest, on_failed_attempt: OnAttempt) -> ModelAnswer:
        world.journal.lost = True
        return says("42")

    world.model.turns = [answer]
    with pytest.raises(LeaseLost):
        await world.advance()
    assert [one.cost_usd for one in world.journal.bills] == [CENT]


async def test_a_lost_lease_writes_nothing_more() -> None:
    world = World()
    world.journal.lost = True
    with pytest.raises(LeaseLost):
        await world.advance()
    assert (world.journal.commits, world.model.requests) == ([], [])


def interrupted(**fields: Any) -> World:
    goal = {"role": "user", "content": [{"type": "text", "text": "Goal"}]}
    step = OpenStep(1, 1)
    return World(state=run_state(messages=[goal], steps=1, step_id=1, interrupted=step, **fields))


async def test_an_interrupted_step_is_asked_again_with_the_same_messages() -> None:
    world = interrupted(tries=1)
    await world.ends()
    assert world.journal.commits == ["reopen_step", "answer_step"]
    assert len(world.model.requests[0].messages) == 1


async def test_a_step_that_never_finishes_ends_the_run() -> None:
    end = await interrupted(tries=9).ends()
    assert (end.reason, end.status) == (StopReason.ERROR, "failed")


async def test_an_interrupted_step_may_finish_at_the_step_limit() -> None:
    world = interrupted(tries=1)
    world.state.limits = replace(LIMITS, max_steps=1)
    assert (await world.ends()).reason is StopReason.ANSWERED


async def test_the_first_hold_counts_system_and_tools_and_later_ones_only_what_is_new() -> None:
    world = World(calls(NOTE), tools=(CountingTool("note"),))
    asked: list[tuple[int, int]] = []

    def worst_cost(request: ModelRequest, known: int, new: int) -> Decimal:
        asked.append((known, new))
        return CENT

    world.model.worst_cost = worst_cost  # type: ignore[method-assign]
    await world.ends()
    (known, whole), (counted, new) = asked
    assert known == 0
    assert whole > len(world.model.requests[0].system)
    assert counted == 15
    assert new < whole


async def test_wait_for_backoff_is_no_end() -> None:
    assert isinstance(await World(failed("timeout")).advance(), Wait)
