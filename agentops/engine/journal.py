"""What the loop asks of its memory: every method is one commit, or raises LeaseLost when the run is not ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from agentops.core.messages import Message
from agentops.core.models import Attempt, ModelAnswer
from agentops.core.tools import ToolResult

from .interrupts import End, Interrupt
from .plans import PlannedStep, Stand
from .state import Asked, Call, Opening, OpenStep, Order, RunState, Said


class Journal(Protocol):
    async def unread(self, state: RunState) -> list[Said]:
        """What people said to the run since its last step opened."""
        ...

    async def limits_raised(self, state: RunState) -> bool:
        """Whether a person raised a limit since the run was taken; then `state.limits` are the new ones."""
        ...

    async def open_step(
        self, state: RunState, done: list[Call], opening: Opening, hold: Decimal, heard: list[Said]
    ) -> OpenStep:
        """Settle the results of `done`, open the next step and reserve `hold` USD for it.

        What was `heard` is in the message, and is read from now on. Raises BudgetRefused with nothing written.
        """
        ...

    async def reopen_step(self, state: RunState, hold: Decimal) -> OpenStep:
        """Take up `state.interrupted` again under this lease: bill what was lost to an estimate, reserve anew."""
        ...

    async def bill(self, state: RunState, step: OpenStep, attempt: Attempt) -> None:
        """Settle a failed attempt and reserve for the next one. Raises BudgetRefused."""
        ...

    async def answer_step(
        self,
        state: RunState,
        step: OpenStep,
        answer: ModelAnswer,
        calls: list[Call],
        end: Interrupt | None,
        order: Order | None = None,
    ) -> bool:
        """Settle the step, store its answer and its calls, each with its verdict; those that may run are `executing`.

        With `end` the run leaves in the same commit, and this is True; but a run that has just answered while a
        person said something to it stays, and reads that first. An `order` that it carries out is done with.
        """
        ...

    async def open_aside(self, state: RunState, message: Message, hold: Decimal) -> OpenStep:
        """Open a step beside the conversation, in which the agent answers a person. Raises BudgetRefused."""
        ...

    async def answer_aside(
        self,
        state: RunState,
        step: OpenStep | None,
        asked: Asked,
        attempts: list[Attempt],
        answer: ModelAnswer | None = None,
        problem: str = "",
    ) -> None:
        """Settle that step and give the person the answer, or the problem that stood in its way."""
        ...

    async def open_compaction(
        self, state: RunState, done: list[Call], message: Message, hold: Decimal | None
    ) -> OpenStep:
        """Settle the results of `done` and open a step in which the conversation is shortened.

        `hold` is None when no model is asked. Raises BudgetRefused with nothing written.
        """
        ...

    async def answer_compaction(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        summary: str,
        details: dict[str, Any],
        answer: ModelAnswer | None,
    ) -> None:
        """Settle that step. The same conversation follows from its row: from the summary, `kept`, `results_over`."""
        ...

    async def open_judge(self, state: RunState, message: Message, hold: Decimal | None) -> OpenStep:
        """Open a step beside the conversation, in which its answer is judged.

        `hold` is None when no model is asked. Raises BudgetRefused with nothing written.
        """
        ...

    async def answer_judge(
        self,
        state: RunState,
        step: OpenStep,
        attempts: list[Attempt],
        answer: ModelAnswer | None,
        details: dict[str, Any],
        end: End | None,
    ) -> bool:
        """Settle that step. With `end` the run leaves in the same commit, and this is True.

        As after any answer, a run to which a person said something meanwhile stays, and reads that first.
        """
        ...

    async def abandon_aside(self, state: RunState, step: OpenStep) -> None:
        """A dead worker had begun to answer: bill what was lost to an estimate."""
        ...

    async def report(self, state: RunState) -> str:
        """What a run that takes actions back has come to, in words."""
        ...

    async def start_calls(self, state: RunState) -> None:
        """approved → executing, for those calls that are still approved, due and bound to the same hash."""
        ...

    async def start_children(self, state: RunState) -> dict[int, ToolResult]:
        """Start the run that each executing `starts_run` call asks for, where there is none yet and there is room.

        Returns the results of those that have ended, or could not be started, by the calls' ids; afterwards
        `state.lent` is right. Asking again starts nothing twice.
        """
        ...

    async def advance_plan(self, state: RunState) -> Stand:
        """Take in the results of the plan's steps that have ended, start those that are ready, say how it stands."""
        ...

    async def answer_plan(
        self,
        state: RunState,
        step: OpenStep,
        answer: ModelAnswer,
        steps: list[PlannedStep] | None,
        end: End | None,
        problem: str,
    ) -> bool:
        """Settle a planning step; `steps` are the plan from now on, None that it was no plan: `problem` says why.

        True: the run left.
        """
        ...

    async def settle_calls(self, state: RunState, done: list[Call]) -> None:
        """Store results without opening a step."""
        ...

    async def leave(self, state: RunState, done: list[Call], interrupt: Interrupt) -> None:
        """Store results and why the run leaves this worker; give back lease and budget slice."""
        ...

    async def fail_step(
        self, state: RunState, step: OpenStep, attempts: list[Attempt], error: str, interrupt: Interrupt
    ) -> None:
        """The model could not be reached: bill the attempts; end, or wait with the step still open."""
        ...

    async def settle_late(
        self, state: RunState, step: OpenStep | None, attempts: list[Attempt], done: list[Call]
    ) -> None:
        """After the run was taken from us (cancelled): what was spent and what did happen is still recorded."""
        ...

    def check(self) -> None:
        """Raises LeaseLost when the lease may have run out; Pause or Release when somebody asked for it."""
        ...

    def check_lease(self) -> None:
        """Raises LeaseLost when the lease may have run out: the last look before an effect."""
        ...
