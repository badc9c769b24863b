"""Calls that somebody but the model chose go the way of every call, and the model reads what came of them."""

from __future__ import annotations

from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.core.tools import Tier, ToolResult
from agentops.engine.interrupts import Pause
from agentops.engine.state import OpenStep, Order, Said

from .doubles import CountingTool, World, calls, check_conversation, run_state, says

BY_ADA = Order("note", {"value": 7}, "ada", "because")


async def test_an_order_is_made_before_the_model_is_asked_and_it_reads_the_result() -> None:
    tool = CountingTool("note")
    world = World(says("Thanks."), tools=(tool,), state=run_state(orders=[BY_ADA]))
    assert (await world.ends()).answer == "Thanks."
    assert tool.ran == [{"value": 7}]
    assert [opening.kind for opening in world.journal.openings] == ["order", "turn"]
    (request,) = world.model.requests
    check_conversation(request.messages)
    assert "(ada chose this call in your place (because).)" in str(request.messages)
    assert [block["content"] for block in world.told()] == ["7"]
    assert world.state.orders == []
    assert [(call.ordered_by, call.status) for call in world.journal.rows.values()] == [("ada", CallStatus.SUCCEEDED)]


async def test_while_a_person_has_taken_over_the_model_is_not_asked() -> None:
    tool = CountingTool("note")
    world = World(tools=(tool,), state=run_state(orders=[BY_ADA], taken_over=True))
    assert isinstance(await world.advance(), Pause)
    assert tool.ran == [{"value": 7}]
    assert world.model.requests == []
    assert [call.status for call in world.journal.rows.values()] == [CallStatus.SUCCEEDED]


async def test_an_order_goes_under_the_policy() -> None:
    world = World(tools=(CountingTool("note", tier=Tier.HIGH),), state=run_state(orders=[BY_ADA], taken_over=True))
    assert (await world.waits()).on is WaitingOn.APPROVAL
    assert [call.status for call in world.journal.rows.values()] == [CallStatus.HELD]


async def test_an_order_that_its_tool_refuses_is_told_and_nothing_runs() -> None:
    tool = CountingTool("note")
    wrong = Order("note", {"worth": 7}, "ada")
    world = World(says("I see."), tools=(tool,), state=run_state(orders=[wrong]))
    await world.ends()
    assert tool.ran == [] and "Give exactly: value." in str(world.told())


async def test_a_step_that_was_cut_off_is_answered_by_the_order() -> None:
    cut_off = run_state(orders=[BY_ADA], taken_over=True, interrupted=OpenStep(1, 1), steps=1, turn=1)
    cut_off.messages = [{"role": "user", "content": [{"type": "text", "text": "Do it."}]}]
    tool = CountingTool("note")
    world = World(tools=(tool,), state=cut_off)
    assert isinstance(await world.advance(), Pause)
    assert tool.ran == [{"value": 7}]
    assert world.journal.commits[:2] == ["reopen_step", "answer_step"]


async def test_words_of_people_are_heard_with_an_order() -> None:
    world = World(says("Fine."), tools=(CountingTool("note"),), state=run_state(orders=[BY_ADA]))
    world.journal.messages = [Said(1, "ada", "I do this one.")]
    await world.ends()
    assert "I do this one." in str(world.model.requests[0].messages[0])


async def test_a_run_that_undoes_makes_its_orders_and_reports_without_a_model() -> None:
    async def sometimes(arguments: dict[str, object]) -> ToolResult:
        return ToolResult("ok") if arguments["value"] == 2 else ToolResult("error", error="gone")

    orders = [Order("note", {"value": value}, "ada", undoes=value) for value in (2, 1)]
    tool = CountingTool("note", does=sometimes)
    world = World(tools=(tool,), state=run_state(orders=list(orders), undoing=True))
    end = await world.ends()
    assert (end.reason, end.answer) == (StopReason.ANSWERED, "note 2: succeeded, note 1: failed")
    assert world.model.requests == []
    assert [call.undoes for call in world.journal.rows.values()] == [2, 1]


async def test_the_state_is_told_each_turn_and_not_kept() -> None:
    world = World(calls(("note", {"value": 1})), calls(("note", {"value": 2})), tools=(CountingTool("note"),))
    await world.ends()
    first, second, third = world.model.requests
    assert first.reminder == ""
    assert "step 2 of 10" in second.reminder and "Your goal: Do it." in second.reminder
    assert "- step 1: note 1: done" in second.reminder and "- step 2: note 2: done" in third.reminder
    assert "Where you stand" not in str(third.messages)
