"""The half of a step that asks: opens it, calls the model, and stores the answer with its calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Message, text, user
from agentops.core.models import Attempt, CallCancelled, ModelAnswer, ModelFailed, ModelRequest
from agentops.core.states import StopReason, WaitingOn

from . import calls as tool_calls
from . import limits
from .acting import Acting
from .interrupts import End, Interrupt, Wait
from .outside import MOST_TRIES, Outside
from .prompts import rules
from .state import OpenStep, RunState, Said

HOLD_RETRY_SECONDS = 2.0
"""How soon a run asks again when only other runs' holds stand in its way."""

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


class Left(Exception):
    """The run left its worker in the commit that said why."""


class Asking:
    def __init__(self, state: RunState, outside: Outside, acting: Acting) -> None:
        self.state = state
        self.outside = outside
        self.journal = outside.journal
        self.acting = acting
        self.hold = Decimal(0)
        """What the open step's model call may cost at most."""

    async def open_step(self) -> tuple[OpenStep, ModelRequest]:
        state = self.state
        heard = [] if state.interrupted else await self.journal.unread(state)
        message = None if state.interrupted else self._next_message(heard)
        messages = [*state.messages, message] if message else state.messages
        if state.interrupted is None:
            await self._within(lambda: limits.check(state))
        elif state.tries > MOST_TRIES:
            raise End(
                StopReason.ERROR,
                detail=f"Step {state.steps} was tried {state.tries} times and never finished.",
            )
        request = self.request(messages)
        hold = self.worst_cost(request)
        await self._within(lambda: limits.check_cost(state, hold))
        self.hold = hold
        try:
            if message is None:
                return await self.journal.reopen_step(state, hold), request
            step = await self.journal.open_step(state, self.acting.done, message, hold, heard)
        except BudgetRefused as refused:
            raise _wait_for(refused) from refused
        self.acting.take_done()
        state.messages = messages
        return step, request

    async def _within(self, check: Callable[[], None]) -> None:
        """A limit that a person has raised meanwhile stops nobody."""
        try:
            check()
        except End:
            if not await self.journal.limits_raised(self.state):
                raise
            check()

    def _next_message(self, heard: list[Said]) -> Message:
        state = self.state
        words = [f"A person who watches this run ({said.by}) says: {said.text}" for said in heard]
        if not state.messages:
            inputs = "\n".join(f"{name}: {value}" for name, value in state.inputs.items())
            return user(f"Your goal: {state.goal}" + (f"\n\nInputs:\n{inputs}" if inputs else ""), *words)
        if state.calls:
            return user(*tool_calls.results(state.calls, self.outside.render), *words)
        return user(*(words or ["Go on: give your final answer, or call a tool."]))

    def worst_cost(self, request: ModelRequest) -> Decimal:
        return self.outside.model.worst_cost(request, self.state.known_tokens, self._uncounted_bytes(request))

    def request(self, messages: list[Message], *, words_only: bool = False) -> ModelRequest:
        agent = self.state.agent
        return ModelRequest(
            chain=agent.chain,
            system=f"{agent.system_prompt}\n\n{rules()}",
            messages=messages,
            tools=self.outside.toolbox.specs(),
            max_output_tokens=agent.max_output_tokens,
            words_only=words_only,
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

    async def ask(self, step: OpenStep, request: ModelRequest) -> ModelAnswer:
        state = self.state
        try:
            return await self.outside.model.complete(
                request,
                on_delta=lambda delta: self.outside.show(step.number, delta),
                on_failed_attempt=lambda attempt: self.bill(step, attempt),
            )
        except CallCancelled as cancelled:
            await asyncio.shield(self.journal.settle_late(state, step, cancelled.attempts, []))
            raise
        except BudgetRefused as refused:
            await self.journal.fail_step(state, step, [], str(refused), _wait_for(refused))
            raise Left from refused
        except End as over_limit:
            await self.journal.fail_step(state, step, [], over_limit.detail, over_limit)
            raise Left from over_limit
        except ModelFailed as failed:
            later = failed.kind in RETRY_LATER and state.tries < len(self.outside.backoff)
            interrupt: Interrupt = (
                Wait(WaitingOn.BACKOFF, self.outside.backoff[state.tries], detail=str(failed))
                if later
                else limits.stop(state, StopReason.MODEL_FAILED, str(failed))
            )
            await self.journal.fail_step(state, step, failed.attempts[-1:], str(failed), interrupt)
            raise Left from failed

    async def bill(self, step: OpenStep, attempt: Attempt) -> None:
        """Settle a failed attempt; the next must fit into the budgets and the run's own limit."""
        await self.journal.bill(self.state, step, attempt)
        await self._within(lambda: limits.check_cost(self.state, self.hold))

    async def take(self, step: OpenStep, answer: ModelAnswer) -> None:
        """Store the answer with its calls, each with its verdict; the run leaves when it was the last answer."""
        state = self.state
        cut_off = answer.stop_reason == "max_tokens"
        calls = tool_calls.propose(answer.tool_uses, self.outside.toolbox, cut_off=cut_off)
        end = self._end_of(answer)
        try:
            if end is None:
                await self._within(lambda: limits.over_budget(state, calls))
        except End as used_up:
            end = used_up
            end.answer = answer.text or end.answer
        if end is not None:
            tool_calls.turn_down(calls, f"Not run: the run ended. {end.detail}".strip())
        try:
            left = await self.journal.answer_step(state, step, answer, calls, end)
        except LeaseLost:
            await self.journal.settle_late(state, step, answer.attempts, [])
            raise
        if left:
            raise Left
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
