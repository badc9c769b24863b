"""The commits of a step in which an answer is judged, and the verdict from its row after a restart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentops.core.messages import Message
from agentops.core.models import Attempt, ModelAnswer
from agentops.core.storable import storable
from agentops.engine.interrupts import End
from agentops.engine.state import Judgement, Opening, OpenStep, RunState

from . import leaving, rows
from .compacting import Compacting
from .models import Step


class Judging(Compacting):
    async def open_judge(self, state: RunState, message: Message, hold: Decimal | None) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        change.steps, change.held = 1, hold or Decimal(0)
        change.opened = [rows.opened(number, Opening(message, Step.Kind.JUDGE.value))]
        change.event("step.opened", step=number)
        written = await self._write(change, hold)
        self.billed, state.steps = 0, number
        self.calling = OpenStep(written.step_id or 0, number)
        return self.calling

    async def answer_judge(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        answer: ModelAnswer | None,
        details: dict[str, Any],
        end: End | None,
    ) -> bool:
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(attempts))
        content = storable(answer.content) if answer else []
        error = "" if answer else str(details["why"])
        # A step that failed counts too: what stood in the way is the verdict.
        change.closed = [
            rows.closed(step, "answered" if answer else "failed", answer, content, change.cost, error, details)
        ]
        change.progress, change.held = True, Decimal(0)
        change.event("step.answered" if answer else "step.failed", step=step.number)
        leaving.leave(change, end)
        await self._write(change, hears=True)
        self.calling = None
        return change.left


def again(state: RunState, row: dict[str, Any]) -> None:
    """What was said of the loaded conversation's last answer, or that a dead worker had begun to ask."""
    if row["status"] == Step.Status.CALLING and str(row["run_id"]) == state.id:
        state.cut_off_aside = OpenStep(row["id"], row["number"])
    elif details := row["details"]:
        state.judgements.append(Judgement(details["met"], details["why"], details["again"]))
