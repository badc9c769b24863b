"""Tool calls in the loop: what runs, what never does, and what the model is told of each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agentops.core.errors import LeaseLost
from agentops.core.models import ToolUse
from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.core.tools import Tier, ToolResult
from agentops.engine import calls as tool_calls
from agentops.engine.state import Call

from .doubles import LIMITS, CountingTool, World, calls, run_state, says


def note(**fields: Any) -> CountingTool:
    return CountingTool("note", **fields)


async def test_an_answer_ends_the_run_with_two_commits() -> None:
    world = World(says("42"))
    end = await world.ends()
    assert (end.reason, end.answer, end.status) == (StopReason.ANSWERED, "42", "succeeded")
    assert world.journal.commits == ["open_step", "answer_step"]


async def test_a_step_with_a_call_takes_two_commits() -> None:
    tool = note()
    world = World(calls(("note", {"value": 1})), tools=(tool,))
    await world.ends()
    assert tool.ran == [{"value": 1}]
    assert world.journal.commits == ["open_step", "answer_step"] * 2
    [told] = world.told()
    assert (told["tool_use_id"], told["content"]) == ("use_0", "1")


async def test_calls_of_one_turn_run_side_by_side_and_are_told_in_order() -> None:
    together = asyncio.Barrier(3)

    async def meet(arguments: dict[str, Any]) -> ToolResult:
        async with asyncio.timeout(20):
            await together.wait()
        return ToolResult("ok", data=arguments["value"])

    world = World(calls(*(("note", {"value": n}) for n in range(3))), tools=(note(does=meet, reads_only=True),))
    await world.ends()
    assert [block["content"] for block in world.told()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (ToolUse("a", "note", {}, problem="line 1"), "not a JSON object"),
        (("note", {"valve": 1}), "exactly: value"),
        (("nota", {"value": 1}), "Did you mean note"),
        (("drop_all", {}), "no tool"),
    ],
)
async def test_what_is_not_valid_never_runs_and_goes_back(use: Any, why: str) -> None:
    tool = note()
    world = World(calls(use), tools=(tool,))
    await world.ends()
    assert tool.ran == []
    assert world.journal.rows[1].status is CallStatus.INVALID
    [told] = world.told()
    assert told["is_error"]
    assert why in told["content"]


async def test_one_invalid_call_does_not_stop_its_siblings() -> None:
    tool = note()
    world = World(calls(("note", {}), ("note", {"value": 2})), tools=(tool,))
    await world.ends()
    assert tool.ran == [{"value": 2}]
    assert [block.get("is_error", False) for block in world.told()] == [True, False]


async def test_the_last_call_of_a_cut_off_answer_does_not_run() -> None:
    tool = note()
    world = World(calls(("note", {"value": 1}), ("note", {"value": 2}), stop="max_tokens"), tools=(tool,))
    await world.ends()
    assert tool.ran == [{"value": 1}]


async def test_calls_beyond_a_turns_cap_are_turned_down() -> None:
    tool = note()
    world = World(calls(*(("note", {"value": n}) for n in range(6))), tools=(tool,))
    await world.ends()
    assert len(tool.ran) == LIMITS.max_parallel_calls
    assert "Ask again in the next turn" in world.told()[-1]["content"]


async def test_calls_beyond_the_runs_cap_are_turned_down_then_the_run_ends() -> None:
    tool = note()
    state = run_state(replace(LIMITS, max_tool_calls=3))
    turn = [calls(*(("note", {"value": n}) for n in range(4)), words="Working."), calls(("note", {"value": 9}))]
    world = World(*turn, tools=(tool,), state=state)
    end = await world.ends()
    assert len(tool.ran) == 3
    assert "final answer" in world.told()[-1]["content"]
    assert (end.reason, end.answer) == (StopReason.MAX_TOOL_CALLS, "Working.")


async def test_a_held_call_waits_and_its_siblings_run() -> None:
    risky = CountingTool("risky", Tier.HIGH)
    tool = note()
    world = World(calls(("risky", {"value": 1}), ("note", {"value": 2})), tools=(tool, risky))
    wait = await world.waits()
    assert (wait.on, wait.wake_after) == (WaitingOn.APPROVAL, None)
    assert (risky.ran, tool.ran) == ([], [{"value": 2}])
    assert world.journal.rows[2].status is CallStatus.SUCCEEDED


async def test_a_tool_that_cannot_tell_leaves_the_call_in_doubt() -> None:
    async def cut(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("unknown", error="It timed out.")

    world = World(calls(("note", {"value": 1})), tools=(note(does=cut),))
    assert (await world.waits()).on is WaitingOn.IN_DOUBT
    assert world.journal.rows[1].status is CallStatus.IN_DOUBT
    assert world.journal.rows[1].reason == "It timed out."


async def test_an_idempotent_tool_that_cannot_tell_has_failed() -> None:
    async def cut(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("unknown", error="It timed out.")

    world = World(calls(("note", {"value": 1})), tools=(note(does=cut, idempotent=True),))
    await world.ends()
    assert world.journal.rows[1].status is CallStatus.FAILED


async def test_untrusted_content_taints_the_run_with_its_first_source() -> None:
    sources = iter(["mail 3", "mail 4"])

    async def read(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("ok", data="…", untrusted_source=next(sources))

    world = World(*[calls(("note", {"value": 1}))] * 2, tools=(note(does=read, reads_only=True),))
    await world.ends()
    assert world.state.tainted_by == "mail 3"


def taken_up(tool: CountingTool, *more: Call, **fields: Any) -> World:
    """A run whose last worker died while `tool` was executing."""
    arguments = {"value": 1}
    effect = tool.effect_line(arguments)
    known = {"idempotent": tool.idempotent, "stale": True, "bound_hash": tool_calls.bind(tool, arguments, effect)}
    call = Call(0, "use_0", tool.name, arguments, arguments, CallStatus.EXECUTING, id=1, effect=effect, **known)
    for name, value in fields.items():
        setattr(call, name, value)
    first = calls((tool.name, arguments))
    messages = [{"role": "user", "content": [{"type": "text", "text": "Goal"}]}]
    messages.append({"role": "assistant", "content": first.content})
    state = run_state(messages=messages, calls=[call, *more], steps=1, turn=1, step_id=1, tool_calls=1)
    return World(tools=(tool,), state=state)


async def test_a_call_whose_worker_died_is_in_doubt_and_does_not_run_again() -> None:
    tool = note()
    world = taken_up(tool)
    assert (await world.waits()).on is WaitingOn.IN_DOUBT
    assert tool.ran == []
    assert world.journal.rows[1].status is CallStatus.IN_DOUBT


async def test_an_idempotent_call_whose_worker_died_runs_again_under_the_same_key() -> None:
    tool = note(idempotent=True)
    world = taken_up(tool)
    await world.ends()
    assert [context.call_id for context in tool.contexts] == ["run:1.0"]
    assert world.journal.commits[0] == "start_calls", "the row must name the lease that runs it"


async def test_a_call_that_kills_every_worker_comes_before_a_person() -> None:
    tool = note(idempotent=True)
    world = taken_up(tool)
    world.state.tries = 9
    assert (await world.waits()).on is WaitingOn.IN_DOUBT
    assert tool.ran == []


async def test_an_approved_call_runs_once_it_is_executing_in_the_journal() -> None:
    tool = note()
    world = taken_up(tool, status=CallStatus.APPROVED, stale=False)
    await world.ends()
    assert tool.ran == [{"value": 1}]
    assert world.journal.commits[0] == "start_calls"


async def test_a_tool_that_changed_since_the_decision_does_not_run() -> None:
    tool = note()
    world = taken_up(tool, status=CallStatus.APPROVED, stale=False)
    tool.version = "2"
    await world.ends()
    assert tool.ran == []
    assert "changed since" in world.told()[0]["content"]


async def test_changed_arguments_do_not_run() -> None:
    tool = note()
    world = taken_up(tool, status=CallStatus.APPROVED, stale=False, arguments={"value": 1_000_000})
    await world.ends()
    assert tool.ran == []


class Slow:
    """An effect under way until the test lets it end."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, arguments: dict[str, Any]) -> ToolResult:
        self.begun.set()
        await self.may_end.wait()
        return ToolResult("ok", data="sent")


async def test_a_cancel_sees_an_effect_through_and_drops_what_reads() -> None:
    sending, reading = Slow(), Slow()
    tools = (note(does=sending), CountingTool("look", reads_only=True, does=reading))
    world = World(calls(("note", {"value": 1}), ("look", {"value": 2})), tools=tools)
    task = asyncio.create_task(world.advance())
    await sending.begun.wait()
    await reading.begun.wait()
    world.journal.lost = True
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    sending.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(call.tool, call.status) for call in world.journal.late] == [("note", CallStatus.SUCCEEDED)]


async def test_a_result_is_recorded_when_the_run_was_taken_just_before_its_commit() -> None:
    async def taken(arguments: dict[str, Any]) -> ToolResult:
        world.journal.lost = True
        return ToolResult("ok", data="sent")

    world = World(calls(("note", {"value": 1})), tools=(note(does=taken),))
    with pytest.raises(LeaseLost):
        await world.advance()
    assert [call.status for call in world.journal.late] == [CallStatus.SUCCEEDED]


async def test_an_effect_is_stored_at_once_when_others_take_longer() -> None:
    slow = Slow()
    world = World(
        calls(("note", {"value": 1}), ("look", {"value": 2})),
        tools=(note(), CountingTool("look", reads_only=True, does=slow)),
    )
    task = asyncio.create_task(world.advance())
    await slow.begun.wait()
    while "settle_calls" not in world.journal.commits:  # noqa: ASYNC110 - one turn of the loop each
        await asyncio.sleep(0)
    assert world.journal.rows[1].status is CallStatus.SUCCEEDED
    slow.may_end.set()
    await task
