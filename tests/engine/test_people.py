"""People speak to a living run: messages, raised limits, questions before a decision, answers to its own."""

from __future__ import annotations

from dataclasses import replace

from agentops.core.errors import BudgetRefused
from agentops.core.messages import text_of
from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.core.tools import Tier, ToolResult
from agentops.engine.interrupts import End
from agentops.engine.outside import MOST_TRIES
from agentops.engine.state import Asked, OpenStep, Said

from .doubles import LIMITS, CountingTool, World, calls, check_conversation, failed, run_state, says

STOP = Said(1, "Ada", "Leave the invoices alone.")


def held() -> World:
    """A run that waits for a decision about one call."""
    return World(calls(("send", {"value": 1})), tools=(CountingTool("send", Tier.HIGH),))


async def test_a_message_comes_with_the_next_step_and_only_once() -> None:
    world = World(calls(("note", {"value": 1})), says("Done."), tools=(CountingTool("note"),))
    world.journal.messages = [STOP]
    await world.ends()
    first, second = world.model.requests
    assert "(Ada) says: Leave the invoices alone." in text_of(first.messages[-1]["content"])
    assert "Ada" not in text_of(second.messages[-1]["content"])
    check_conversation(second.messages)


async def test_a_message_stands_after_the_results_of_the_calls_before() -> None:
    tool = CountingTool("note")
    world = World(calls(("note", {"value": 1})), says("Done."), tools=(tool,))

    async def meanwhile(arguments: dict[str, object]) -> ToolResult:
        world.journal.messages.append(STOP)
        return ToolResult("ok", data="noted")

    tool.does = meanwhile
    await world.ends()
    blocks = world.model.requests[-1].messages[-1]["content"]
    assert [block["type"] for block in blocks] == ["tool_result", "text"]


async def test_an_answer_given_while_a_person_speaks_does_not_end_the_run() -> None:
    world = World()

    async def answer(request: object, on_failed: object) -> object:
        world.journal.messages.append(STOP)
        return says("I paid all invoices.")

    world.model.turns = [answer, says("I left them alone.")]
    end = await world.ends()
    assert (end.reason, end.answer) == (StopReason.ANSWERED, "I left them alone.")
    check_conversation(world.model.requests[-1].messages)
    assert "Leave the invoices" in text_of(world.model.requests[-1].messages[-1]["content"])


async def test_a_limit_that_a_person_raised_does_not_stop_the_run() -> None:
    world = World(calls(("note", {"value": 1})), says("Done."), tools=(CountingTool("note"),))
    world.state.limits = replace(LIMITS, max_steps=1)
    world.journal.raised = replace(LIMITS, max_steps=2)
    assert (await world.ends()).reason is StopReason.ANSWERED


async def test_tool_calls_that_a_person_allowed_meanwhile_run() -> None:
    tool = CountingTool("note")
    world = World(calls(("note", {"value": 1})), calls(("note", {"value": 2})), tools=(tool,))
    world.state.limits = replace(LIMITS, max_tool_calls=1)
    world.journal.raised = replace(LIMITS, max_tool_calls=2)
    assert (await world.ends()).reason is StopReason.ANSWERED
    assert [arguments["value"] for arguments in tool.ran] == [1, 2]


async def test_calls_that_the_limit_left_out_are_on_record_so_that_the_run_can_go_on() -> None:
    tool = CountingTool("note")
    world = World(calls(("note", {"value": 1})), calls(("note", {"value": 2})), tools=(tool,))
    world.state.limits = replace(LIMITS, max_tool_calls=1)
    assert (await world.ends()).reason is StopReason.MAX_TOOL_CALLS
    assert [call.status for call in world.journal.rows.values()] == [CallStatus.SUCCEEDED, CallStatus.INVALID]
    world.state.limits, world.journal.left = LIMITS, None
    world.state.messages.append({"role": "assistant", "content": calls(("note", {"value": 2})).content})
    assert (await world.ends()).reason is StopReason.ANSWERED
    check_conversation(world.model.requests[-1].messages)


async def test_a_run_that_only_asks_a_person_waits_for_an_answer() -> None:
    world = World(calls(("ask", {"value": "Which?"})), tools=(CountingTool("ask", asks_person=True),))
    wait = await world.waits()
    assert (wait.on, wait.wake_after) == (WaitingOn.ANSWER, None)


async def test_an_approval_that_may_be_taken_back_is_waited_out() -> None:
    world = held()
    await world.waits()
    world.journal.left = None
    call = world.state.calls[0]
    call.status, call.due_in = CallStatus.APPROVED, 3.5
    world.journal.rows[call.id].status = CallStatus.APPROVED

    async def not_yet(state: object) -> None:
        world.journal.commits.append("start_calls")

    world.journal.start_calls = not_yet  # type: ignore[method-assign]
    wait = await world.waits()
    assert (wait.on, wait.wake_after) == (WaitingOn.APPROVAL, 3.5)
    assert world.box.tools["send"].ran == []


async def test_the_agent_is_told_what_a_person_changed() -> None:
    world = held()
    await world.waits()
    world.journal.left = None
    call = world.state.calls[0]
    call.status, call.edited_by, call.result = CallStatus.SUCCEEDED, "Ada", ToolResult("ok", data="sent")
    call.arguments = {"value": 2}
    await world.ends()
    [told] = world.told()
    assert 'a person (Ada) changed its arguments to {"value": 2}' in told["content"]
    assert "sent" in told["content"]


async def test_a_question_before_a_decision_is_answered_beside_the_conversation() -> None:
    world = held()
    await world.waits()
    before = [dict(message) for message in world.state.messages]
    world.journal.left = None
    world.state.asked = [Asked(7, "Ada", "Why to her?", "send 1")]
    world.model.turns = [says("She asked for it.")]
    wait = await world.waits()
    assert world.journal.answers == [(7, "She asked for it.", "")]
    assert wait.on is WaitingOn.APPROVAL
    aside = world.model.requests[-1]
    assert aside.words_only
    check_conversation(aside.messages)
    assert "Why to her?" in text_of(aside.messages[-1]["content"])
    assert world.state.messages == before
    assert world.box.tools["send"].ran == []


async def test_a_question_that_nobody_can_pay_for_or_answer_leaves_the_action_held() -> None:
    for trouble in (BudgetRefused("No money.", spent=True, renews_in=1.0), failed("overloaded")):
        world = held()
        await world.waits()
        world.journal.left = None
        world.state.asked = [Asked(7, "Ada", "Why?", "send 1")]
        if isinstance(trouble, BudgetRefused):
            world.journal.refuse_next = [trouble]
        else:
            world.model.turns = [trouble]
        assert (await world.waits()).on is WaitingOn.APPROVAL
        [(inquiry, words, problem)] = world.journal.answers
        assert (inquiry, words, problem) == (7, "", str(trouble))


async def test_an_aside_that_a_dead_worker_had_begun_is_given_up_and_begun_anew() -> None:
    world = held()
    await world.waits()
    world.journal.left = None
    world.state.cut_off_aside = OpenStep(2, 2)
    world.state.asked = [Asked(7, "Ada", "Why?", "send 1")]
    world.model.turns = [says("Because.")]
    await world.waits()
    assert world.journal.commits[-4:] == ["abandon_aside", "open_aside", "answer_aside", "leave"]


async def test_a_question_whose_answer_kills_each_worker_is_given_up() -> None:
    world = held()
    await world.waits()
    world.journal.left = None
    world.state.tries = MOST_TRIES + 1
    world.state.asked = [Asked(7, "Ada", "Why?", "send 1")]
    asked = len(world.model.requests)
    await world.waits()
    assert len(world.model.requests) == asked, "nothing more is spent on it"
    assert world.journal.answers == [(7, "", "Answering was tried 9 times and never finished.")]


async def test_a_call_keeps_its_key_when_an_aside_comes_between() -> None:
    world = held()
    await world.waits()
    world.journal.left = None
    world.state.asked = [Asked(7, "Ada", "Why?", "send 1")]
    world.state.calls[0].status = CallStatus.APPROVED
    world.journal.rows[1].status = CallStatus.APPROVED
    world.model.turns = [says("Because.")]
    await world.ends()
    [context] = world.box.tools["send"].contexts
    assert context.call_id == "run:1.0"
    assert world.state.steps == 3


async def test_a_run_without_a_step_left_still_ends_at_its_limit() -> None:
    world = World(state=run_state(replace(LIMITS, max_steps=3), steps=3))
    left = await world.advance()
    assert isinstance(left, End)
    assert left.reason is StopReason.MAX_STEPS
