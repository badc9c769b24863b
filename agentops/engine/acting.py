"""The half of a step that acts: runs the tool calls that may run, and sees what was begun through to its record."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from agentops.core.errors import LeaseLost
from agentops.core.states import CallStatus, WaitingOn
from agentops.core.storable import storable
from agentops.core.tools import ToolContext, ToolResult

from . import delegating
from .calls import bind
from .interrupts import Wait
from .outside import MOST_TRIES, Outside
from .state import Call, RunState

LEAST_WAIT_SECONDS = 0.2
"""The database's clock, not ours, says when an approved call is due."""


class Acting:
    def __init__(self, state: RunState, outside: Outside) -> None:
        self.state = state
        self.outside = outside
        self.journal = outside.journal
        self.done: list[Call] = []
        """Calls whose results are known here and not yet in a commit."""

    async def finish_calls(self) -> None:
        """Run what may run until no call of the last step is open; raises Wait when a person must act first."""
        state = self.state
        while state.open_calls:
            self._doubt_what_was_cut_off()
            if any(call.status is CallStatus.APPROVED or call.stale for call in state.open_calls):
                await self.journal.start_calls(state)
            running = [call for call in state.calls if call.status is CallStatus.EXECUTING]
            if any(call.starts_run for call in running):
                self.done += await delegating.look(state, self.journal)
            running = [call for call in running if not call.starts_run]
            if running:
                await self._execute(running)
                continue
            if any(call.status is CallStatus.IN_DOUBT for call in state.calls):
                raise Wait(WaitingOn.IN_DOUBT)
            if state.open_calls:
                raise self._wait()

    def _wait(self) -> Wait:
        """For people, or for the end of the time in which an approval may be taken back."""
        waiting = self.state.open_calls
        due = [call.due_in for call in waiting if call.status is CallStatus.APPROVED]
        on = WaitingOn.APPROVAL
        if all(call.asks_person for call in waiting):
            on = WaitingOn.ANSWER
        elif all(call.starts_run and call.status is CallStatus.EXECUTING for call in waiting):
            on = WaitingOn.CHILD
        return Wait(on, wake_after=max(min(due), LEAST_WAIT_SECONDS) if due else None)

    def _doubt_what_was_cut_off(self) -> None:
        """Calls that another worker was executing: only those that may run again do; the rest a person must resolve."""
        may_run_again = self.state.tries <= MOST_TRIES
        for call in self.state.calls:
            if call.starts_run:
                continue
            if call.status is CallStatus.EXECUTING and call.stale and not (call.idempotent and may_run_again):
                call.status, call.stale = CallStatus.IN_DOUBT, False
                call.reason = "Its worker died while it was executing."
                self.done.append(call)

    async def _execute(self, running: list[Call]) -> None:
        tasks = {asyncio.create_task(self._run_call(call)): call for call in running}
        pending = set(tasks)
        try:
            while pending:
                finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    self._note(tasks[task], task.result())
                if pending and any(not tasks[task].reads_only for task in finished):
                    # An effect that happened must not hang on the others' patience.
                    await self.journal.settle_calls(self.state, self.take_done())
        except (asyncio.CancelledError, LeaseLost):
            await self._see_effects_through(tasks)
            raise

    async def _run_call(self, call: Call) -> tuple[ToolResult, int]:
        state = self.state
        tool = self.outside.toolbox.get(call.tool)
        begin = time.monotonic()
        if tool is None or bind(tool, call.arguments, call.effect) != call.bound_hash:
            return ToolResult("error", error="The tool changed since this call was decided; nothing was executed."), 0
        context = ToolContext(
            run_id=state.id,
            call_id=f"{state.id}:{state.turn}.{call.position}",
            team_id=state.team_id,
            agent=state.agent.name,
            workspace=self.outside.workspace,
            settings=self.outside.tool_settings,
        )
        self.journal.check_lease()
        result = await tool.run(call.arguments, context)
        return result, round((time.monotonic() - begin) * 1000)

    def _note(self, call: Call, outcome: tuple[ToolResult, int]) -> None:
        result, call.duration_ms = outcome
        call.result = replace(_storable(result), ref=result.ref or f"{self.state.turn}.{call.position + 1}")
        if result.ok:
            call.status = CallStatus.SUCCEEDED
            if result.untrusted_source and not self.state.tainted_by:
                self.state.tainted_by = storable(result.untrusted_source)[:300]
        elif result.status == "unknown" and not call.idempotent:
            call.status, call.reason = CallStatus.IN_DOUBT, result.error
        else:
            call.status = CallStatus.FAILED
        self.done.append(call)

    async def _see_effects_through(self, tasks: dict[asyncio.Task[tuple[ToolResult, int]], Call]) -> None:
        """The run was taken from us. What only reads is dropped; an effect under way is waited for and recorded."""
        for task, call in tasks.items():
            if call.reads_only:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task, call in tasks.items():
            if call not in self.done and not task.cancelled() and task.exception() is None:
                self._note(call, task.result())
        await self.journal.settle_late(self.state, None, [], self.take_done())

    def take_done(self) -> list[Call]:
        done, self.done = self.done, []
        return done


def _storable(result: ToolResult) -> ToolResult:
    return replace(
        result,
        data=storable(result.data),
        summary=storable(result.summary),
        error=storable(result.error),
        hint=storable(result.hint),
        untrusted_source=storable(result.untrusted_source),
    )
