"""The commits of a step that shortens the conversation, and the same shortening from its row after a restart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentops.context.compaction import shorten
from agentops.core.messages import Block, Message, text, text_of
from agentops.core.models import Attempt, ModelAnswer
from agentops.engine.shortening import take_up
from agentops.engine.state import Call, Opening, OpenStep, RunState

from . import history, rows
from .committing import Committing
from .models import Run, Step

CONVERSING = (Step.Kind.TURN, Step.Kind.ORDER, Step.Kind.PLAN)
"""Kinds of steps whose input and output are part of the conversation."""


class Compacting(Committing):
    async def open_compaction(
        self, state: RunState, done: list[Call], message: Message, hold: Decimal | None
    ) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        self._settle(change, state, done)
        change.steps, change.held = 1, hold or Decimal(0)
        change.opened = [rows.opened(number, Opening(message, Step.Kind.COMPACTION.value))]
        change.event("step.opened", step=number)
        written = await self._write(change, hold)
        self.billed, state.steps = 0, number
        self.calling = OpenStep(written.step_id or 0, number)
        return self.calling

    async def answer_compaction(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        summary: str,
        details: dict[str, Any],
        answer: ModelAnswer | None,
    ) -> None:
        turns = sum(message["role"] == "assistant" for message in state.messages[-details["kept"] :])
        details = {**details, "upto": await self._in_thread(lambda: last_left_out(state.id, step.number, turns))}
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(attempts))
        output = [text(summary)] if summary else []
        change.closed = [rows.closed(step, "answered", answer, output, change.cost, details=details)]
        change.progress, change.held = True, Decimal(0)
        change.event("step.answered", step=step.number)
        await self._write(change)
        self.calling = None


def last_left_out(run_id: str, before: int, turns_kept: int) -> int:
    """The number of the last step that is not among the latest `turns_kept` of the conversation; 0 for none."""
    run = Run.objects.get(pk=run_id)
    steps = Step.objects.filter(
        history.of_parts(history.parts_of(run), "number"),
        kind__in=CONVERSING,
        status=Step.Status.ANSWERED,
        number__lt=before,
    )
    numbers = steps.order_by("-number").values_list("number", flat=True)
    return next(iter(numbers[turns_kept : turns_kept + 1]), 0)


def again(state: RunState, row: dict[str, Any]) -> None:
    """Shorten the loaded conversation as the worker did that wrote this row."""
    if row["status"] == Step.Status.CALLING and str(row["run_id"]) == state.id:
        state.cut_off_aside = OpenStep(row["id"], row["number"])
    elif row["status"] == Step.Status.ANSWERED:
        take_up(state, shortened(state.messages, row["details"], row["output"]))


def shortened(messages: list[Message], details: dict[str, Any] | None, output: list[Block]) -> list[Message]:
    if not details:
        return messages
    return shorten(messages, details["kept"], text_of(output), details["results_over"])
