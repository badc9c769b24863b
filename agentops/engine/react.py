"""The loop: ask the model, do what it asks, tell it what came of it; one step, one checkpoint.

Everything that happens outside (a model call, a tool) happens between two commits of the journal, so that a killed
worker leaves a row that says how far it came. Interrupts (waiting, limits, pause, the end) are exceptions.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Message, text, user
from agentops.core.models import Attempt, CallCancelled, Delta, Model, ModelAnswer, ModelFailed, ModelRequest
from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.core.storable import storable
from agentops.core.tools import Toolbox, ToolContext, ToolResult

from . import calls as tool_calls
from . import limits
from .interrupts import End, Interrupt, Wait
from .journal import Journal
from .prompts import rules
from .state import Call, OpenStep, RunState

HOLD_RETRY_SECONDS = 2.0
"""How soon a run asks again when only other runs' holds stand in its way."""

MOST_TRIES = 8
"""After so many workers died (or back-offs passed) in one step, the step is the cause: the run fails."""

RETRY_LATER = (
    "rate_limited",
    "overloaded",
    "server_error",
    "connection",
    "timeout",
    "malformed",
    "cut_short",
)
"""Kinds of model failure that pass with time."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the loop reaches the world through."""

    model: Model
    toolbox: Toolbox
    journal: Journal
    render: tool_calls.Render
    show: Callable[[int, Delta], None]
    """Streams a piece of step N to whoever watches."""
    workspace: Path
    tool_settings: dict[str, Any]
    backoff: tuple[float, ...] = (10.0, 60.0, 300.0)
    """Seconds a run waits, without a slot, after every model has failed; after the last it fails."""


async def advance(state: RunState, outside: Outside) -> None:
    """Take the run as far as it goes: to its end, or to something it waits for."""
    await _Loop(state, outside).run()


class _Left(Exception):
    """The run left its worker in the commit that said why."""


class _Loop:
    def __init__(self, state: RunState, outside: Outside) -> None:
        self.state = state
        self.outside = outside
        self.journal = outside.journal
        self.hold = Decimal(0)
        """What the open step's model call may cost at most."""
        self.done: list[Call] = []
        """Calls whose results are known here and not yet in a commit."""

    async def run(self) -> None:
        try:
            await self._go_on()
        except _Left:
            return
        except (LeaseLost, asyncio.CancelledError):
            if self.done:
                await asyncio.shield(self.journal.settle_late(self.state, None, [], self._take_done()))
            raise

    async def _go_on(self) -> None:
        try:
            while True:
                await self._finish_calls()
                self.journal.check()
                step, request = await self._open_step()
                answer = await self._ask(step, request)
                await self._take(step, answer)
        except Interrupt as interrupt:
            await self.journal.leave(self.state, self.done, interrupt)

    # ── tool calls ─────────────────────────────────────────────────────────────────────────────

    async def _finish_calls(self) -> None:
        """Run what may run until no call of the last step is open; raises Wait when a person must act first."""
        state = self.state
        while state.open_calls:
            self._doubt_what_was_cut_off()
            if any(call.status is CallStatus.APPROVED or call.stale for call in state.open_calls):
                await self.journal.start_calls(state)
            running = [call for call in state.calls if call.status is CallStatus.EXECUTING]
            if running:
                await self._execute(running)
                continue
            if any(call.status is CallStatus.IN_DOUBT for call in state.calls):
                raise Wait(WaitingOn.IN_DOUBT)
            not_due = any(call.status is CallStatus.APPROVED for call in state.calls)
            if state.open_calls:
                raise Wait(WaitingOn.APPROVAL, wake_after=1.0 if not_due else None)

    def _doubt_what_was_cut_off(self) -> None:
        """Calls that another worker was executing: only those that may run again do; the rest a person must resolve."""
        may_run_again = self.state.tries <= MOST_TRIES
        for call in self.state.calls:
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
                    await self.journal.settle_calls(self.state, self._take_done())
        except (asyncio.CancelledError, LeaseLost):
            await self._see_effects_through(tasks)
            raise

    async def _run_call(self, call: Call) -> tuple[ToolResult, int]:
        state = self.state
        tool = self.outside.toolbox.get(call.tool)
        begin = time.monotonic()
        if tool is None or tool_calls.bind(tool, call.arguments, call.effect) != call.bound_hash:
            return ToolResult("error", error="The tool changed since this call was decided; nothing was executed."), 0
        context = ToolContext(
            run_id=state.id,
            call_id=f"{state.id}:{state.steps}.{call.position}",
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
        call.result = _storable(result)
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
        await self.journal.settle_late(self.state, None, [], self._take_done())

    def _take_done(self) -> list[Call]:
        done, self.done = self.done, []
        return done

    # ── model calls ────────────────────────────────────────────────────────────────────────────

    async def _open_step(self) -> tuple[OpenStep, ModelRequest]:
        state = self.state
        message = None if state.interrupted else self._next_message()
        messages = [*state.messages, message] if message else state.messages
        if state.interrupted is None:
            limits.check(state)
        elif state.tries > MOST_TRIES:
            raise End(
                StopReason.ERROR,
                detail=f"Step {state.steps} was tried {state.tries} times and never finished.",
            )
        request = self._request(messages)
        hold = self.outside.model.worst_cost(request, state.known_tokens, self._uncounted_bytes(request))
        limits.check_cost(state, hold)
        self.hold = hold
        try:
            if message is None:
                return await self.journal.reopen_step(state, hold), request
            step = await self.journal.open_step(state, self.done, message, hold)
        except BudgetRefused as refused:
            raise _wait_for(refused) from refused
        self.done = []
        state.messages = messages
        return step, request

    def _next_message(self) -> Message:
        state = self.state
        if not state.messages:
            inputs = "\n".join(f"{name}: {value}" for name, value in state.inputs.items())
            return user(f"Your goal: {state.goal}" + (f"\n\nInputs:\n{inputs}" if inputs else ""))
        if state.calls:
            return user(*tool_calls.results(state.calls, self.outside.render))
        return user("Go on: give your final answer, or call a tool.")

    def _request(self, messages: list[Message]) -> ModelRequest:
        agent = self.state.agent
        return ModelRequest(
            chain=agent.chain,
            system=f"{agent.system_prompt}\n\n{rules()}",
            messages=messages,
            tools=self.outside.toolbox.specs(),
            max_output_tokens=agent.max_output_tokens,
        )

    def _uncounted_bytes(self, request: ModelRequest) -> int:
        """Bytes of the request that no provider has counted yet (a token is at least a byte)."""
        new = sum(_size(message["content"]) for message in request.messages[self.state.counted_messages :])
        if self.state.known_tokens:
            return new
        return (
            new
            + len(request.system.encode())
            + sum(_size([spec.description, spec.input_schema]) for spec in request.tools)
        )

    async def _ask(self, step: OpenStep, request: ModelRequest) -> ModelAnswer:
        state = self.state
        try:
            return await self.outside.model.complete(
                request,
                on_delta=lambda delta: self.outside.show(step.number, delta),
                on_failed_attempt=lambda attempt: self._bill(step, attempt),
            )
        except CallCancelled as cancelled:
            await asyncio.shield(self.journal.settle_late(state, step, cancelled.attempts, []))
            raise
        except BudgetRefused as refused:
            await self.journal.fail_step(state, step, [], str(refused), _wait_for(refused))
            raise _Left from refused
        except End as over_limit:
            await self.journal.fail_step(state, step, [], over_limit.detail, over_limit)
            raise _Left from over_limit
        except ModelFailed as failed:
            later = failed.kind in RETRY_LATER and state.tries < len(self.outside.backoff)
            interrupt: Interrupt = (
                Wait(WaitingOn.BACKOFF, self.outside.backoff[state.tries], detail=str(failed))
                if later
                else limits.stop(state, StopReason.MODEL_FAILED, str(failed))
            )
            await self.journal.fail_step(state, step, failed.attempts[-1:], str(failed), interrupt)
            raise _Left from failed

    async def _bill(self, step: OpenStep, attempt: Attempt) -> None:
        """Settle a failed attempt; the next must fit into the budgets and the run's own limit."""
        await self.journal.bill(self.state, step, attempt)
        limits.check_cost(self.state, self.hold)

    async def _take(self, step: OpenStep, answer: ModelAnswer) -> None:
        """Store the answer with its calls, each with its verdict; the run leaves when it was the last answer."""
        state = self.state
        cut_off = answer.stop_reason == "max_tokens"
        calls = tool_calls.propose(answer.tool_uses, self.outside.toolbox, cut_off=cut_off)
        end = self._end_of(answer)
        try:
            if end is None:
                limits.over_budget(state, calls)
        except End as used_up:
            end = used_up
            end.answer = answer.text or end.answer
        try:
            await self.journal.answer_step(state, step, answer, [] if end else calls, end)
        except LeaseLost:
            await self.journal.settle_late(state, step, answer.attempts, [])
            raise
        if end is not None:
            raise _Left
        state.messages.append({"role": "assistant", "content": answer.content or [text("(empty)")]})
        state.known_tokens = answer.usage.input_tokens + answer.usage.output_tokens
        state.counted_messages = len(state.messages)

    def _end_of(self, answer: ModelAnswer) -> End | None:
        if answer.stop_reason == "refusal":
            return End(StopReason.REFUSED, answer.text, "The model refused to go on.")
        if answer.tool_uses or answer.stop_reason == "pause_turn" or not answer.text.strip():
            return None
        if answer.stop_reason == "max_tokens":
            return End(
                StopReason.TRUNCATED,
                answer.text,
                f"The answer was cut off at the agent's limit of {self.state.agent.max_output_tokens} output tokens.",
            )
        return End(StopReason.ANSWERED, answer.text)


def _wait_for(refused: BudgetRefused) -> Wait:
    """For a release of what others hold; for a person, or the budget's next period, when it is spent."""
    wake_after = refused.renews_in if refused.spent else HOLD_RETRY_SECONDS
    return Wait(WaitingOn.BUDGET, wake_after, detail=str(refused))


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def _storable(result: ToolResult) -> ToolResult:
    return replace(
        result,
        data=storable(result.data),
        summary=storable(result.summary),
        error=storable(result.error),
        hint=storable(result.hint),
        untrusted_source=storable(result.untrusted_source),
    )
