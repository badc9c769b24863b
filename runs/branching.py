"""The part of the journal in which a run has others work for it: children for its calls, and the steps of its plan."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction

from agentops.core.errors import LeaseLost
from agentops.core.models import ModelAnswer
from agentops.core.states import CallStatus
from agentops.core.storable import storable
from agentops.core.tools import ToolResult
from agentops.engine.interrupts import End
from agentops.engine.plans import PlannedStep, Stand
from agentops.engine.state import Lent, OpenStep, RunState

from . import children, leaving, planning, rows
from .children import Events
from .committing import Committing
from .journal import Written, commit
from .late import add_events
from .models import Run

T = TypeVar("T")
Numbered = list[dict[str, Any]]


class Branching(Committing):
    """Implements the part of `agentops.engine.journal.Journal` that touches other runs."""

    async def start_children(self, state: RunState) -> dict[int, ToolResult]:
        asked = [
            (call.id, state.turn, call.arguments)
            for call in state.calls
            if call.starts_run and call.status is CallStatus.EXECUTING
        ]
        return await self._under_lock(state, lambda run: children.hand_over(run, asked))

    async def advance_plan(self, state: RunState) -> Stand:
        return await self._under_lock(state, planning.advance)

    async def answer_plan(
        self,
        state: RunState,
        step: OpenStep,
        answer: ModelAnswer,
        steps: list[PlannedStep] | None,
        end: End | None,
        problem: str,
    ) -> bool:
        change = self._change(state)
        self._bill(change, state, step, self._unbilled(answer.attempts))
        details = {"refused": storable(problem)} if problem else {"steps": len(steps or [])}
        content = storable(answer.content)
        change.closed = [rows.closed(step, "answered", answer, content, change.cost, details=details)]
        change.progress, change.held = True, Decimal(0)
        change.event("step.answered", step=step.number)
        leaving.leave(change, end)

        def write() -> tuple[Written, Numbered]:
            with transaction.atomic():
                run = self._mine(state)
                written = commit(change)
                more: Numbered = []
                if steps is not None:
                    run.refresh_from_db(fields=["seq"])
                    more = add_events(run, planning.store(run, step.id, step.number, steps))
                self._end_below(change)
                self.purse.give_back(change)
            self._report(change)
            return written, more

        written, more = await self._in_thread(write)
        self._after(change, written)
        self._publish(more)
        self.calling = None
        state.tries = 0
        return change.left

    async def _under_lock(self, state: RunState, work: Callable[[Run], tuple[T, Events]]) -> T:
        """One transaction under the run's row: what it changed is told, and what the run has lent is known after it."""

        def do() -> tuple[T, Lent, str, Numbered]:
            with transaction.atomic():
                run = self._mine(state)
                made, events = work(run)
                return made, children.lent(run.pk), run.tainted_by, add_events(run, events)

        made, state.lent, tainted_by, numbered = await self._in_thread(do)
        state.tainted_by = state.tainted_by or tainted_by
        self._publish(numbered)
        return made

    def _mine(self, state: RunState) -> Run:
        """The whole row, locked. Raises LeaseLost."""
        mine = Run.objects.filter(pk=state.id, fence=self.lease.fence, status=Run.Status.RUNNING)
        run = mine.select_for_update(of=("self",)).select_related("version__agent").first()
        if run is None:
            raise LeaseLost("Another worker holds this run, or a person stopped it.")
        self.lease.pause_asked = self.lease.pause_asked or run.pause_requested
        return run
