"""The parts of every commit that a worker makes under one lease: put together, written, and told to who watches."""

from __future__ import annotations

import asyncio
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, wait
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, transaction

from agentops.core.models import Attempt, Model
from agentops.core.states import CallStatus, StopReason
from agentops.core.tools import Toolbox
from agentops.engine.interrupts import End, Interrupt
from agentops.engine.state import Call, OpenStep, RunState
from agentops.live.stream import Broadcaster
from approvals.actions import freeze

from . import children, ending, leaving, rows, subject
from .journal import Change, Written, commit, lock
from .lease import Lease
from .models import Run
from .purse import Purse

T = TypeVar("T")

GIVE_BACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Means:
    """What all recorders of a worker share."""

    executor: Executor
    broadcaster: Broadcaster
    model: Model
    abandoned: Callable[[RunState], Attempt]
    """The bill of a model call whose worker died: an estimate."""


class Committing:
    """What a run's lease, purse and clock are to its worker. `recorder` says what happens; this writes it."""

    def __init__(self, lease: Lease, run: Run, means: Means) -> None:
        self.lease = lease
        self.means = means
        self.purse = Purse.of(run)
        self.calling: OpenStep | None = None
        """The step that this worker has open."""
        self.billed = 0
        """Attempts of the open step that are in the ledger already."""
        self.unread_messages = run.unread
        self.below_another = run.parent_id is not None
        self.may_have_children = run.version is not None and run.version.starts_runs
        self.toolbox: Toolbox
        self.left_at_once = False
        """The run left, and something decided meanwhile wants it back."""
        self._since = time.monotonic()

    def check(self) -> None:
        self.lease.check()

    def check_lease(self) -> None:
        self.lease.check_lease()

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

    async def _write(self, change: Change, hold: Decimal | None = None, *, hears: bool = False) -> Written:
        """One plain statement where the run's slice covers the hold; else a transaction: the run, then the accounts.

        With `hears` a run that would end as answered stays when somebody has said something to it.
        Raises BudgetRefused, with nothing written, when `hold` USD cannot be reserved.
        """
        draws = hold is not None and not self.purse.covers(hold, change.cost)

        def write() -> Written:
            if not draws and not change.left and not self._touches_others(change, []):
                return commit(change)
            with transaction.atomic():
                stands = lock(change.run, change.fence)
                if change.left and not change.final:
                    by_hand = stands.taken_over and change.status == "paused"
                    leaving.heed_pause(change, stands.pause_requested or by_hand)
                if hears and change.stop_reason == StopReason.ANSWERED and stands.unread:
                    leaving.stay(change)
                if draws and hold is not None:
                    self.purse.refill(change, hold)
                written = commit(change)
                if change.status == "paused":
                    freeze(subject.KIND, subject.held_calls(change.run))
                elif change.final:
                    subject.close_calls(change.run, "Its run has ended.")
                    self._end_below(change)
                self.purse.give_back(change)
            self._report(change)
            return written

        written = await self._in_thread(write)
        self._after(change, written)
        return written

    def _end_below(self, change: Change) -> None:
        """In the transaction of the run's end, before its budgets are touched."""
        if change.final and self.may_have_children:
            ending.end_below(change.run, self.purse.slice.accounts)

    def _report(self, change: Change) -> None:
        """After that transaction, the run above hears of it; should this fail, the sweep tells it."""
        if change.final and self.below_another:
            children.report(change.run)

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


_this_thread = threading.local()


def keep_connection() -> None:
    """To be called first in a thread that does nothing but database work: it keeps its connection while that is good.

    Handed back after each job, it would cost every commit the pool's look at it, which is another round trip.
    """
    _this_thread.keeps = True


def returning_connection(work: Callable[[], T]) -> T:
    """Run database work on an executor's thread; its connection goes back to the pool, unless the thread keeps it."""
    keeps = getattr(_this_thread, "keeps", False)
    if keeps and connection.connection is not None and _ended(connection.connection):
        connection.close()
    try:
        return work()
    except BaseException:
        keeps = False
        raise
    finally:
        if not keeps:
            connection.close()


def give_back_connections(executor: Executor, threads: int) -> None:
    """Before the executor ends. Every one of its threads takes part: none is done before all have come."""
    all_here = threading.Barrier(threads)

    def give_back() -> None:
        connection.close()
        with suppress(threading.BrokenBarrierError):
            all_here.wait(GIVE_BACK_SECONDS)

    wait([executor.submit(give_back) for _ in range(threads)])


def _ended(raw: Any) -> bool:
    """The server has something to say although nothing was asked: that it has gone."""
    if raw.closed or raw.broken:
        return True
    waiting = select.poll()
    waiting.register(raw.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


def numbered(change: Change, written: Written) -> list[dict[str, Any]]:
    first = written.seq - len(change.events) + 1
    return [{"seq": first + index, **event} for index, event in enumerate(change.events)]
