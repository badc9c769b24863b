"""The engine's journal for one lease: turns what the loop says into commits, and commits into live events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, transaction

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Message
from agentops.core.models import Attempt, Model, ModelAnswer
from agentops.core.states import CallStatus, StopReason
from agentops.core.storable import storable
from agentops.core.tools import Toolbox
from agentops.engine.interrupts import End, Interrupt
from agentops.engine.state import Asked, Call, Limits, OpenStep, RunState, Said
from agentops.live.stream import Broadcaster
from approvals.actions import answer_inquiry, freeze

from . import journal, judging, late, leaving, rows, subject
from .journal import Change, Written, commit
from .lease import Lease
from .loading import limits_of
from .models import Run, RunMessage
from .purse import Purse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Means:
    """What all recorders of a worker share."""

    executor: Executor
    broadcaster: Broadcaster
    model: Model
    abandoned: Callable[[RunState], Attempt]
    """The bill of a model call whose worker died: an estimate."""


class Recorder:
    """Implements `agentops.engine.journal.Journal`."""

    def __init__(self, lease: Lease, run: Run, means: Means) -> None:
        self.lease = lease
        self.means = means
        self.purse = Purse.of(run)
        self.calling: OpenStep | None = None
        """The step that this worker has open."""
        self.billed = 0
        """Attempts of the open step that are in the ledger already."""
        self.unread_messages = run.unread
        self.toolbox: Toolbox
        self.left_at_once = False
        """The run left, and something decided meanwhile wants it back."""
        self._since = time.monotonic()

    def check(self) -> None:
        self.lease.check()

    def check_lease(self) -> None:
        self.lease.check_lease()

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
        self, state: RunState, done: list[Call], message: Message, hold: Decimal, heard: list[Said]
    ) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        self._settle(change, state, done)
        change.steps, change.held, change.heard = 1, hold, [said.id for said in heard]
        change.opened = [{"number": number, "kind": "turn", "input": message}]
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
        self, state: RunState, step: OpenStep, answer: ModelAnswer, calls: list[Call], end: Interrupt | None
    ) -> bool:
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(answer.attempts))
        content = storable(answer.content)
        change.closed = [rows.closed(step, "answered", answer, content, change.cost)]
        change.tool_calls, change.progress, change.held = 0 if end else len(calls), True, Decimal(0)
        change.event("step.answered", step=step.number)
        leaving.leave(change, end)

        def write() -> Written:
            verdicts = judging.judge(state, self.toolbox, calls)
            change.proposed = [rows.proposed(call, step) for call in calls]
            with transaction.atomic() if change.left or self._touches_others(change, calls) else nullcontext():
                if change.stop_reason == StopReason.ANSWERED and self._locked(change).unread:
                    leaving.stay(change)
                written = commit(change)
                for call in calls:
                    call.id = written.call_ids[call.position]
                judging.hold(state, self.toolbox, calls, verdicts, answer.text)
                self.purse.give_back(change)
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

    # ── asides ─────────────────────────────────────────────────────────────────────────────────

    async def open_aside(self, state: RunState, message: Message, hold: Decimal) -> OpenStep:
        number = state.steps + 1
        change = self._change(state)
        change.steps, change.held = 1, hold
        change.opened = [{"number": number, "kind": "aside", "input": message}]
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
        """One transaction under the run's row: what people decided is read and acted on together.

        Calls that a dead worker was executing and that may run again come under this lease.
        """

        def start() -> list[dict[str, Any]]:
            with transaction.atomic():
                change = self._change(state)
                stale = [call.id for call in state.open_calls if call.stale]
                started = journal.start(change.run, change.fence, stale)
                for call in state.calls:
                    if call.id in started:
                        call.status, call.stale = CallStatus.EXECUTING, False
                        change.event("call.changed", step=state.turn, call=call.id, tool=call.tool, status="executing")
                return numbered(change, commit(change))

        self._publish(await self._in_thread(start))

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

    # ── the parts of a commit ──────────────────────────────────────────────────────────────────

    def _change(self, state: RunState) -> Change:
        now = time.monotonic()
        worked, self._since = round((now - self._since) * 1000), now
        state.active_ms += worked
        return Change(state.id, self.lease.fence, active_ms=worked, tainted_by=state.tainted_by)

    def _settle(self, change: Change, state: RunState, done: list[Call]) -> None:
        for call in done:
            change.done.append(rows.finished(call))
            change.event("call.changed", step=state.turn, call=call.id, tool=call.tool, status=call.status)

    def _bill(self, change: Change, state: RunState, step: OpenStep, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            change.billed.append(rows.billed(attempt, step.id))
            change.usage += attempt.usage
            change.cost += attempt.cost_usd
        state.tokens += change.usage.input_tokens + change.usage.output_tokens
        state.cost_usd += change.cost

    def _unbilled(self, attempts: list[Attempt]) -> list[Attempt]:
        return [attempt for attempt in attempts if attempt.number > self.billed]

    def _give_up(self, change: Change, state: RunState, interrupt: Interrupt) -> None:
        """The run leaves with a step open: its lost model call is billed, and the step ends if the run does."""
        step = self.calling or state.interrupted
        if step is None:
            return
        self._bill(change, state, step, [self.means.abandoned(state)] if self.purse.held else [])
        if isinstance(interrupt, End):
            change.closed = [rows.closed(step, "abandoned", None, [], change.cost)]
            change.event("step.abandoned", step=step.number)
        else:
            change.kept = step.id

    def _touches_others(self, change: Change, calls: list[Call]) -> bool:
        """Whether the commit needs more than the run's own rows."""
        held = any(call.status is CallStatus.HELD for call in calls)
        return held or change.status == "paused" or (change.slice is not None and bool(self.purse.slice.accounts))

    # ── writing ────────────────────────────────────────────────────────────────────────────────

    async def _write(self, change: Change, hold: Decimal | None = None) -> Written:
        """One plain statement where the run's slice covers the hold; else a transaction: the run, then the accounts.

        Raises BudgetRefused, with nothing written, when `hold` USD cannot be reserved.
        """
        draws = hold is not None and not self.purse.covers(hold, change.cost)

        def write() -> Written:
            if not draws and not change.left and not self._touches_others(change, []):
                return commit(change)
            with transaction.atomic():
                run = self._locked(change)
                if change.left and not change.final:
                    leaving.heed_pause(change, run.pause_requested)
                if draws and hold is not None:
                    self.purse.refill(change, hold)
                written = commit(change)
                if change.status == "paused":
                    freeze(subject.KIND, subject.held_calls(change.run))
                elif change.final:
                    subject.close_calls(change.run, "Its run has ended.")
                self.purse.give_back(change)
                return written

        written = await self._in_thread(write)
        self._after(change, written)
        return written

    def _locked(self, change: Change) -> Run:
        """Raises LeaseLost."""
        mine = Run.objects.filter(pk=change.run, fence=change.fence, status=Run.Status.RUNNING)
        run = mine.select_for_update().only("pause_requested", "unread").first()
        if run is None:
            raise LeaseLost("Another worker holds this run, or a person stopped it.")
        return run

    def _after(self, change: Change, written: Written) -> None:
        """Bring the mirror up to what was committed, and tell whoever watches."""
        self.purse.after(change)
        self.lease.pause_asked = self.lease.pause_asked or written.pause_requested
        self.left_at_once = change.left and written.due
        self.unread_messages = written.unread
        self._publish(numbered(change, written))

    def _publish(self, events: list[dict[str, Any]]) -> None:
        self.means.broadcaster.event(self.lease.run_id, self.lease.team_id, events)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.means.executor, returning_connection, work)


def returning_connection(work: Callable[[], T]) -> T:
    """Run database work on an executor's thread; its connection goes back to the pool."""
    try:
        return work()
    finally:
        connection.close()


def numbered(change: Change, written: Written) -> list[dict[str, Any]]:
    first = written.seq - len(change.events) + 1
    return [{"seq": first + index, **event} for index, event in enumerate(change.events)]
