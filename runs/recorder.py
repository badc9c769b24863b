"""The engine's journal for one lease: turns what the loop says into commits, and commits into live events."""

from __future__ import annotations

from contextlib import nullcontext
from decimal import Decimal

from django.db import transaction

from agentops.core.errors import BudgetRefused
from agentops.core.messages import Message
from agentops.core.models import Attempt, ModelAnswer
from agentops.core.states import CallStatus, StopReason
from agentops.core.storable import storable
from agentops.engine.interrupts import End, Interrupt
from agentops.engine.state import Asked, Call, Limits, Opening, OpenStep, Order, RunState, Said
from approvals.actions import answer_inquiry

from . import journal, judging, late, leaving, rows, undone
from .branching import Branching
from .journal import Written, commit, lock
from .judgements import Judging
from .loading import limits_of
from .models import Run, RunMessage


class Recorder(Branching, Judging):
    """Implements `agentops.engine.journal.Journal`."""

    # ── steps ──────────────────────────────────────────────────────────────────────────────────

    async def unread(self, state: RunState) -> list[Said]:
        if not self.unread_messages:
            return []
        rows = RunMessage.objects.filter(run_id=state.id, step=None)
        return await self._in_thread(lambda: [Said(row.pk, row.by_name, row.text) for row in rows])

    async def limits_raised(self, state: RunState) -> bool:
        def look() -> Limits:
            return limits_of(Run.objects.select_related("version").get(pk=state.id))

        before, state.limits = state.limits, await self._in_thread(look)
        return state.limits != before

    async def open_step(
        self, state: RunState, done: list[Call], opening: Opening, hold: Decimal, heard: list[Said]
    ) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        self._settle(change, state, done)
        change.steps, change.held, change.heard = 1, hold, [said.id for said in heard]
        change.opened = [rows.opened(number, opening)]
        change.event("step.opened", step=number)
        written = await self._write(change, hold)
        self.billed = 0
        state.steps = state.turn = number
        state.step_id, state.calls = written.step_id or 0, []
        self.calling = OpenStep(state.step_id, number)
        return self.calling

    async def reopen_step(self, state: RunState, hold: Decimal) -> OpenStep:
        step = state.interrupted
        if step is None:
            raise ValueError("No step was interrupted.")
        change = self._change(state)
        lost = [self.means.abandoned(state)] if self.purse.held else []
        self._bill(change, state, step, lost)
        change.held, change.kept = hold, step.id
        change.event("step.opened", step=step.number)
        await self._write(change, hold)
        self.billed = 0
        self.calling, state.interrupted = step, None
        return step

    async def bill(self, state: RunState, step: OpenStep, attempt: Attempt) -> None:
        change = self._change(state)
        self._bill(change, state, step, [attempt])
        self.billed, change.kept = attempt.number, step.id
        change.event("step.retried", step=step.number, model=attempt.model, error=attempt.error_kind)
        try:
            change.held = self.purse.held
            await self._write(change, self.purse.held)
        except BudgetRefused:
            change.held, change.slice = Decimal(0), None
            await self._write(change)
            raise

    async def answer_step(
        self,
        state: RunState,
        step: OpenStep,
        answer: ModelAnswer,
        calls: list[Call],
        end: Interrupt | None,
        order: Order | None = None,
    ) -> bool:
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(answer.attempts))
        content = storable(answer.content)
        change.closed = [rows.closed(step, "answered", answer, content, change.cost)]
        change.tool_calls, change.progress, change.held = 0 if end else len(calls), True, Decimal(0)
        change.ordered = order is not None and order.stored
        change.event("step.answered", step=step.number)
        leaving.leave(change, end)

        def write() -> Written:
            verdicts = judging.judge(state, self.toolbox, calls)
            change.proposed = [rows.proposed(call, step) for call in calls]
            with transaction.atomic() if change.left or self._touches_others(change, calls) else nullcontext():
                if change.stop_reason == StopReason.ANSWERED and lock(change.run, change.fence).unread:
                    leaving.stay(change)
                written = commit(change)
                for call in calls:
                    call.id = written.call_ids[call.position]
                judging.hold(state, self.toolbox, calls, verdicts, answer.text)
                self._end_below(change)
                self.purse.give_back(change)
            self._report(change)
            return written

        self._after(change, await self._in_thread(write))
        self.calling = None
        state.calls = calls
        state.tool_calls += change.tool_calls
        state.tries = 0
        return change.left

    async def fail_step(
        self, state: RunState, step: OpenStep, attempts: list[Attempt], error: str, interrupt: Interrupt
    ) -> None:
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(attempts))
        change.held = Decimal(0)
        if isinstance(interrupt, End):
            change.closed = [rows.closed(step, "failed", None, [], change.cost, error)]
        else:
            change.kept = step.id
        change.event("step.failed", step=step.number, error=error)
        leaving.leave(change, interrupt)
        await self._write(change)

    async def report(self, state: RunState) -> str:
        return await self._in_thread(lambda: undone.report(state.id))

    # ── asides ─────────────────────────────────────────────────────────────────────────────────

    async def open_aside(self, state: RunState, message: Message, hold: Decimal) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        change.steps, change.held = 1, hold
        change.opened = [rows.opened(number, Opening(message, "aside"))]
        change.event("step.opened", step=number)
        written = await self._write(change, hold)
        self.billed, state.steps = 0, number
        self.calling = OpenStep(written.step_id or 0, number)
        return self.calling

    async def answer_aside(
        self,
        state: RunState,
        step: OpenStep | None,
        asked: Asked,
        attempts: list[Attempt],
        answer: ModelAnswer | None = None,
        problem: str = "",
    ) -> None:
        change = self._change(state)
        if step:
            self._bill(change, state, step, self._unbilled(attempts))
            content = storable(answer.content) if answer else []
            status = "answered" if answer else "failed"
            change.closed = [rows.closed(step, status, answer, content, change.cost, problem)]
            change.progress, change.held = True, Decimal(0)
            change.event(f"step.{status}", step=step.number)
        words = storable(answer.text).strip() if answer else ""

        def write() -> Written:
            with transaction.atomic():
                written = commit(change)
                answer_inquiry(asked.id, words, problem or ("" if words else "It answered without words."))
                return written

        self._after(change, await self._in_thread(write))
        self.calling = None

    async def abandon_aside(self, state: RunState, step: OpenStep) -> None:
        change = self._change(state)
        self._bill(change, state, step, [self.means.abandoned(state)] if self.purse.held else [])
        change.closed = [rows.closed(step, "abandoned", None, [], change.cost)]
        change.held = Decimal(0)
        change.event("step.abandoned", step=step.number)
        await self._write(change)

    # ── tool calls ─────────────────────────────────────────────────────────────────────────────

    async def start_calls(self, state: RunState) -> None:
        """One statement under the run's row: what people decided is read and acted on together.

        Calls that a dead worker was executing and that may run again come under this lease.
        """

        stale = [call.id for call in state.open_calls if call.stale]
        started = await self._in_thread(lambda: journal.start(state.id, self.lease.fence, state.turn, stale))
        for call in state.calls:
            if row := started.get(call.id):
                call.status, call.stale = CallStatus.EXECUTING, False
                call.arguments, call.effect = row.arguments, row.effect
                call.bound_hash, call.edited_by = row.bound_hash, row.edited_by
        self._publish([row.event for row in started.values()])

    async def settle_calls(self, state: RunState, done: list[Call]) -> None:
        change = self._change(state)
        self._settle(change, state, done)
        await self._write(change)

    async def leave(self, state: RunState, done: list[Call], interrupt: Interrupt) -> None:
        change = self._change(state)
        self._settle(change, state, done)
        self._give_up(change, state, interrupt)
        change.held = Decimal(0)
        leaving.leave(change, interrupt)
        await self._write(change)

    async def settle_late(
        self, state: RunState, step: OpenStep | None, attempts: list[Attempt], done: list[Call]
    ) -> None:
        events = await self._in_thread(
            lambda: late.settle(state, self.lease.fence, step, self._unbilled(attempts), done)
        )
        self._publish(events)
