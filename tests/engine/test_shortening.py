"""Near the end of its context a run shortens its conversation in a step of its own, and is never lost for want of a
summary."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agentops.context.window import Window
from agentops.core.errors import BudgetRefused
from agentops.core.messages import PERSON_SPEAKS
from agentops.core.models import CallCancelled, ModelAnswer
from agentops.core.states import StopReason
from agentops.core.tools import ToolResult
from agentops.core.usage import Usage
from agentops.engine.interrupts import End
from agentops.engine.state import OpenStep, Said

from .doubles import LIMITS, CountingTool, World, attempt, calls, check_conversation, failed, run_state, says

LONG = replace(LIMITS, max_steps=100, max_tool_calls=100, max_tokens=10_000_000)
BUDGET = 4_000
SUMMARY = "Looked up a lot. Order A-77 is 129.00 USD."


def looks(turns: int, length: int = 1_000) -> tuple[list[Any], CountingTool]:
    async def look(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("ok", data="x" * length)

    tool = CountingTool("look", reads_only=True, idempotent=True, does=look)
    return [calls(("look", {"value": number})) for number in range(turns)], tool


def world(turns: int, *, budget: int = BUDGET, length: int = 1_000, summaries: int = 100, **limits: Any) -> World:
    """A run of so many turns; its model writes a summary whenever it is asked for one."""
    script, tool = looks(turns, length)
    state = run_state(replace(LONG, **limits))
    state.agent = replace(state.agent, max_output_tokens=500)
    made = World(tools=(tool,), state=state)
    made.window = Window(budget)
    played = [*script, says("Done.")]

    async def complete(request: Any, *, on_delta: Any, on_failed_attempt: Any) -> ModelAnswer:
        made.model.requests.append(replace(request, messages=list(request.messages)))
        if request.system.startswith("You write the summary"):
            return says(SUMMARY)
        answer = played.pop(0)
        size = sum(len(str(message["content"])) for message in request.messages) + len(request.system)
        answer.attempts[:] = [replace(attempt(), usage=Usage(size // 4, 20))]
        return answer

    made.model.complete = complete  # type: ignore[method-assign]
    return made


def turns_of(made: World) -> list[Any]:
    return [request for request in made.model.requests if not request.system.startswith("You write the summary")]


async def test_a_long_run_stays_within_its_budget_and_keeps_its_goal() -> None:
    made = world(30)
    made.journal.messages = [Said(1, "Ada", "Leave the invoices alone.")]
    end = await made.ends()
    assert end.reason is StopReason.ANSWERED
    assert len(made.journal.compactions) >= 2
    for opening in made.journal.openings:
        used = sum(opening.context[part] for part in ("system", "tools", "history", "facts"))
        assert used <= BUDGET - 500
    for request in turns_of(made):
        check_conversation(request.messages)
        assert request.messages[0]["content"][0]["text"].startswith("Your goal: Do it.")
        assert sum(PERSON_SPEAKS in str(block) for block in request.messages[0]["content"]) == 1
    assert SUMMARY in str(turns_of(made)[-1].messages[0])


async def test_a_compaction_says_what_it_did() -> None:
    made = world(12)
    await made.ends()
    words, details = made.journal.compactions[0]
    assert words == SUMMARY
    assert details["model"] == "model"
    assert details["after"] < details["before"] * 0.7
    assert details["before"] > 0.8 * (BUDGET - 500)
    assert details["kept"] % 2 == 1


async def test_a_run_within_its_context_is_left_alone() -> None:
    made = world(12, budget=200_000)
    await made.ends()
    assert made.journal.compactions == []
    assert made.model.counted == 0
    sizes = [opening.context["history"] for opening in made.journal.openings]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


async def test_near_the_line_the_provider_is_asked() -> None:
    made = world(12)
    made.model.counts = 100
    await made.ends()
    assert made.model.counted > 0
    assert any(opening.context["exact"] for opening in made.journal.openings)


@pytest.mark.parametrize("model", ["fails", "silent", "no budget", "over its cost"])
async def test_without_a_summariser_the_record_is_the_summary(model: str) -> None:
    made = world(12, max_cost_usd=Decimal("0.5"))
    answer = made.model.complete

    async def complete(request: Any, **hooks: Any) -> ModelAnswer:
        if not request.system.startswith("You write the summary"):
            return await answer(request, **hooks)
        if model == "fails":
            raise failed("overloaded")
        return says("")

    made.model.complete = complete  # type: ignore[method-assign]
    if model == "no budget":
        opens = made.journal.open_compaction

        async def refused(state: Any, done: Any, message: Any, hold: Decimal | None) -> OpenStep:
            if hold is not None:
                raise BudgetRefused("The budget is spent.", spent=True)
            return await opens(state, done, message, hold)

        made.journal.open_compaction = refused  # type: ignore[method-assign]
    if model == "over its cost":
        made.model.worst_cost = lambda request, known, new: Decimal(0 if request.tools else 9)  # type: ignore[method-assign]
    end = await made.ends()
    assert end.reason is StopReason.ANSWERED
    words, details = made.journal.compactions[0]
    assert words.startswith("- look 0: x")
    assert (details["model"], bool(details["problem"])) == ("", True)
    assert made.journal.held == 0


async def test_what_a_turn_brings_is_shortened_when_nothing_else_is_left() -> None:
    made = world(3, length=30_000)
    end = await made.ends()
    assert end.reason is StopReason.ANSWERED
    for request in turns_of(made):
        check_conversation(request.messages)
        assert len(str(request.messages)) < 20_000


async def test_a_run_that_cannot_be_made_to_fit_ends_and_says_so() -> None:
    made = world(2, budget=800)
    made.state.goal = "Read this. " * 1_000
    end = await made.ends()
    assert isinstance(end, End)
    assert end.reason is StopReason.CONTEXT_FULL
    assert "tokens" in end.detail
    assert made.model.requests == []


async def test_a_cancelled_summary_is_billed() -> None:
    made = world(12)
    answer = made.model.complete

    async def complete(request: Any, **hooks: Any) -> ModelAnswer:
        if request.system.startswith("You write the summary"):
            raise CallCancelled([attempt(cost=Decimal("0.03"))])
        return await answer(request, **hooks)

    made.model.complete = complete  # type: ignore[method-assign]
    with pytest.raises(CallCancelled):
        await made.advance()
    assert made.journal.bills[-1].cost_usd == Decimal("0.03")


async def test_a_compaction_counts_as_a_step() -> None:
    made = world(30, max_steps=14)
    end = await made.ends()
    assert end.reason is StopReason.MAX_STEPS
    assert made.journal.compactions
    assert made.state.steps == 14


async def test_a_bound_on_the_cost_survives_the_shortening() -> None:
    """What the provider counted stays an upper bound: the hold of the next step is no multiple of it."""
    made = world(12)
    seen: list[tuple[int, int]] = []
    made.model.worst_cost = lambda request, known, new: seen.append((known, new)) or Decimal("0.001")  # type: ignore
    await made.ends()
    assert max(known + new for known, new in seen if known) < 3 * BUDGET
