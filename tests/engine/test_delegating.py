"""A call that hands work over is run by nobody here: the engine waits for its run, whatever becomes of the worker."""

from __future__ import annotations

from typing import Any

from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.core.tools import Tier, ToolResult
from agentops.engine.interrupts import Wait
from agentops.engine.state import Call, Lent, RunState
from agentops.tools.builtin import delegate

from .doubles import LIMITS, CountingTool, MemoryJournal, World, calls, run_state


class Handing(MemoryJournal):
    """`results`: of the runs below, by call; what is not there has not ended."""

    results: dict[int, ToolResult]
    looks: int = 0

    async def start_children(self, state: RunState) -> dict[int, ToolResult]:
        self.looks += 1
        return self.results


def world(*turns: Any, tools: tuple[CountingTool, ...] = (), results: dict[int, ToolResult] | None = None) -> World:
    made = World(*turns, tools=(CountingTool("hand", starts_run=True), *tools))
    return handing(made, results)


def handing(made: World, results: dict[int, ToolResult] | None) -> World:
    made.journal.__class__ = Handing
    made.journal.results = results or {}  # type: ignore[attr-defined]
    return made


def hand(value: int = 1) -> tuple[str, dict[str, Any]]:
    return "hand", {"value": value}


async def test_the_run_waits_for_another_and_the_tool_is_never_run() -> None:
    made = world(calls(hand()))
    left = await made.advance()
    assert isinstance(left, Wait)
    assert (left.on, left.wake_after) == (WaitingOn.CHILD, None)
    assert made.box.tools["hand"].ran == []


async def test_the_result_of_the_other_run_is_told() -> None:
    made = world(calls(hand()), results={1: ToolResult("ok", data="42")})
    end = await made.ends()
    assert end.reason is StopReason.ANSWERED
    assert made.journal.rows[1].status is CallStatus.SUCCEEDED
    assert "42" in str(made.model.requests[-1].messages[-1])


async def test_a_refusal_is_a_failed_call() -> None:
    made = world(calls(hand()), results={1: ToolResult("error", error="Nobody of that name.")})
    await made.ends()
    assert made.journal.rows[1].status is CallStatus.FAILED


async def test_other_calls_of_the_turn_run_while_it_is_waited_for() -> None:
    made = world(calls(hand(), ("note", {"value": 2})), tools=(CountingTool("note"),))
    left = await made.advance()
    assert isinstance(left, Wait) and left.on is WaitingOn.CHILD
    assert made.box.tools["note"].ran == [{"value": 2}]


async def test_a_call_that_waits_for_a_person_beside_it_is_what_the_run_waits_for() -> None:
    made = world(calls(hand(), ("send", {"value": 2})), tools=(CountingTool("send", Tier.HIGH),))
    left = await made.advance()
    assert isinstance(left, Wait) and left.on is WaitingOn.APPROVAL


async def test_after_a_crash_it_is_looked_up_and_not_in_doubt() -> None:
    call = Call(0, "use_0", "hand", {}, {"value": 1}, CallStatus.EXECUTING, id=1, starts_run=True, stale=True)
    state = run_state(calls=[call], turn=1, steps=1, tries=100)
    made = handing(World(tools=(CountingTool("hand", starts_run=True),), state=state), {})
    left = await made.advance()
    assert isinstance(left, Wait) and left.on is WaitingOn.CHILD
    assert call.status is CallStatus.EXECUTING


async def test_what_the_other_run_read_outside_taints_this_one() -> None:
    made = world(calls(hand()), results={1: ToolResult("ok", data="x", untrusted_source="run of worker")})
    await made.ends()
    assert made.state.tainted_by == "run of worker"


async def test_what_was_lent_counts_against_the_limits() -> None:
    made = world(calls(hand()), results={1: ToolResult("ok")})
    made.state.lent = Lent(tokens=LIMITS.max_tokens)
    assert (await made.ends()).reason is StopReason.MAX_TOKENS


async def test_what_was_lent_leaves_fewer_tool_calls() -> None:
    made = world(calls(hand()))
    made.state.lent = Lent(tool_calls=LIMITS.max_tool_calls)
    assert (await made.ends()).reason is StopReason.MAX_TOOL_CALLS


def test_the_model_is_told_whom_it_may_hand_work_to() -> None:
    offered = delegate.offering([("researcher", "Reads pages."), ("writer", "")])
    assert "- researcher: Reads pages.\n- writer" in offered.spec.description
    assert offered.spec.input_schema["properties"]["agent"]["enum"] == ["researcher", "writer"]
    assert delegate.delegate.spec.input_schema["properties"]["agent"].get("enum") is None
    arguments = offered.validate({"agent": "writer", "goal": "Write\nit."})
    assert offered.effect_line(arguments) == "Hand to writer: Write it."
