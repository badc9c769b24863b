"""The half of a step that asks: opens it, calls the model, and stores the answer with its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import PERSON_SPEAKS, Message, size, text_of, user
from agentops.core.models import Attempt, CallCancelled, ModelAnswer, ModelFailed, ModelRequest
from agentops.core.states import StopReason, WaitingOn
from agentops.core.storable import storable
from agentops.core.tools import ToolResult, ToolSpec

from . import answers, limits, record, recovery, reminder, shortening
from . import calls as tool_calls
from .acting import Acting
from .interrupts import End, Interrupt, Wait
from .outside import MOST_TRIES, Outside
from .prompts import rules
from .recovery import Problem, Told
from .state import Opening, OpenStep, Order, RunState, Said

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
        self._heard: list[Said] = []
        self._told: Told | None = None

    async def consider(self) -> Order | None:
        """Before the model is asked again: what people said meanwhile, and what went wrong.

        Returns a call to be made first, when only a person can help.
        """
        state = self.state
        self._told, self._heard = None, [] if state.interrupted else await self.journal.unread(state)
        problem = None if self._heard or state.interrupted else self._problem()
        if problem is None:
            return None
        self._told = recovery.tell(state.messages, problem)
        if self._told is None and recovery.TABLE[problem.kind].then is None:
            return recovery.ask_person(state, problem)
        return None

    def _problem(self) -> Problem | None:
        state = self.state
        if not state.messages or state.begin_with or state.stop_reason == "pause_turn":
            return None
        if state.calls:
            told = user(*tool_calls.results(state.calls, self.outside.render))
            return recovery.of_calls([*state.messages, told])
        return answers.problem_of(state, self.outside, text_of(state.messages[-1]["content"]), state.stop_reason)

    async def open_step(self) -> tuple[OpenStep, ModelRequest]:
        state = self.state
        opening = None if state.interrupted else self._opening()
        return await self._open_asking(opening, words_only=state.agent.plans)

    async def _open_asking(self, opening: Opening | None, *, words_only: bool) -> tuple[OpenStep, ModelRequest]:
        state = self.state
        await self._check_open()
        if opening:
            opening = await shortening.make_room(self, opening)
        messages = [*state.messages, opening.message] if opening else state.messages
        told = opening.reminder if opening else reminder.of(state)
        request = self.request(messages, reminder=told, words_only=words_only)
        hold = self.worst_cost(request)
        await self._within(lambda: limits.check_cost(state, hold))
        self.hold = hold
        return await self._open(opening, hold), request

    async def open_order(self) -> OpenStep:
        """For a call that somebody but the model chose: nothing is asked, so nothing is held."""
        self._heard = [] if self.state.interrupted else await self.journal.unread(self.state)
        self._told = None
        opening = None if self.state.interrupted else replace(self._opening(), kind="order", reminder="")
        await self._check_open()
        return await self._open(opening, Decimal(0))

    async def open_plan(self, words: str, told: Told | None) -> tuple[OpenStep, ModelRequest]:
        """For a step in which the agent writes its plan and calls nothing."""
        state = self.state
        self._told, self._heard = None, [] if state.interrupted else await self.journal.unread(state)
        row = told.row if told else None
        opening = None if state.interrupted else Opening(self._next_message([words]), "plan", recovery=row)
        return await self._open_asking(opening, words_only=True)

    async def _check_open(self) -> None:
        state = self.state
        if state.interrupted is None:
            await self._within(lambda: limits.check(state))
        elif state.tries > MOST_TRIES:
            raise End(
                StopReason.ERROR,
                detail=f"Step {state.steps} was tried {state.tries} times and never finished.",
            )

    async def _open(self, opening: Opening | None, hold: Decimal) -> OpenStep:
        """Raises Wait when no budget has room for it."""
        state = self.state
        try:
            if opening is None:
                return await self.journal.reopen_step(state, hold)
            step = await self.journal.open_step(state, self.acting.done, opening, hold, self._heard)
        except BudgetRefused as refused:
            raise _wait_for(refused) from refused
        self.acting.take_done()
        state.messages = [*state.messages, opening.message]
        state.begin_with, state.begin_words, state.judgements = None, "", []
        return step

    async def _within(self, check: Callable[[], None]) -> None:
        """A limit that a person has raised meanwhile stops nobody."""
        try:
            check()
        except End:
            if not await self.journal.limits_raised(self.state):
                raise
            check()

    def _opening(self) -> Opening:
        told = self._told
        message = self._next_message([told.words] if told else [])
        record.add(self.state, self.state.calls, self.state.turn)
        return Opening(
            message,
            reminder=reminder.of(self.state),
            recovery=told.row if told else None,
        )

    def _next_message(self, words: list[str]) -> Message:
        state = self.state
        words = [*words, *(f"{PERSON_SPEAKS} ({said.by}) says: {said.text}" for said in self._heard)]
        if state.begin_words and (state.begin_with or not state.messages):
            words = [f"{PERSON_SPEAKS} says: {state.begin_words}", *words]
        if state.begin_with:
            return user(*state.begin_with["content"], *words)
        if not state.messages:
            form = "" if state.agent.plans else answers.form(state)
            return user(f"Your goal: {state.goal}{self._inputs()}", *words, *([form] if form else []))
        if state.calls:
            return user(*tool_calls.results(state.calls, self.outside.render), *words)
        return user(*(words or ["Go on: give your final answer, or call a tool."]))

    def _inputs(self) -> str:
        """What was given with the goal; of a run that is tainted before it begins, it came from outside."""
        state = self.state
        lines = "\n".join(f"{name}: {value}" for name, value in state.inputs.items())
        if lines and state.tainted_by:
            lines = self.outside.render(ToolResult("ok", data=lines, untrusted_source=state.tainted_by))
        return f"\n\nInputs:\n{lines}" if lines else ""

    def worst_cost(self, request: ModelRequest) -> Decimal:
        return self.outside.model.worst_cost(request, self.state.known_tokens, self._uncounted_bytes(request))

    def request(self, messages: list[Message], *, words_only: bool = False, reminder: str = "") -> ModelRequest:
        agent = self.state.agent
        return ModelRequest(
            chain=self._chain(),
            system=f"{agent.system_prompt}\n\n{rules()}",
            messages=messages,
            tools=self._specs(),
            max_output_tokens=agent.max_output_tokens,
            words_only=words_only,
            reminder=reminder,
        )

    def _chain(self) -> tuple[str, ...]:
        """After a refusal the next model is asked, where there is one."""
        chain = self.state.agent.chain
        return chain[1:] or chain if self._told and self._told.problem.kind == "refusal" else chain

    def _specs(self) -> list[ToolSpec]:
        """The agent's tools, and the way to a person once it was used: what a conversation calls must be known."""
        specs, ask = self.outside.toolbox.specs(), self.outside.toolbox.get("ask_human")
        if self.state.escalated and ask and all(spec.name != ask.name for spec in specs):
            return [*specs, ask.spec]
        return specs

    def _uncounted_bytes(self, request: ModelRequest) -> int:
        """Bytes of the request that no provider has counted yet (a token is at least a byte)."""
        new = sum(size(message["content"]) for message in request.messages[self.state.counted_messages :])
        if self.state.known_tokens:
            return new + len(request.reminder.encode())
        return (
            new
            + len(request.system.encode())
            + len(request.reminder.encode())
            + sum(size([spec.description, spec.input_schema]) for spec in request.tools)
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

    async def take(self, step: OpenStep, answer: ModelAnswer, order: Order | None = None) -> None:
        """Store the answer with its calls, each with its verdict; the run leaves when it was the last answer."""
        state = self.state
        cut_off = answer.stop_reason == "max_tokens"
        # What a refused turn asked for is not sent back, so it is not taken up either.
        uses = [] if answer.stop_reason == "refusal" else answer.tool_uses
        calls = tool_calls.propose(uses, self.outside.toolbox, cut_off=cut_off)
        for call in calls if order else []:
            call.ordered_by, call.undoes = order.by if order else "", order.undoes if order else None
        end = answers.end_of(state, self.outside, answer)
        try:
            if end is None:
                await self._within(lambda: limits.over_budget(state, calls))
        except End as used_up:
            end = used_up
            end.answer = answer.text or end.answer
        if end is not None:
            tool_calls.turn_down(calls, f"Not run: the run ended. {end.detail}".strip())
        try:
            left = await self.journal.answer_step(state, step, answer, calls, end, order)
        except LeaseLost:
            await self.journal.settle_late(state, step, answer.attempts, [])
            raise
        if left:
            raise Left
        self.keep(answer, order)

    def keep(self, answer: ModelAnswer, order: Order | None = None) -> None:
        """It is committed, and part of the conversation from now on."""
        state = self.state
        content = answers.as_sent(storable(answer.content), answer.stop_reason)
        state.messages.append({"role": "assistant", "content": content})
        state.stop_reason = answer.stop_reason
        if order is None:
            state.known_tokens = answer.usage.input_tokens + answer.usage.output_tokens
            state.counted_messages, state.shortened = len(state.messages), False
        elif order.tool == "ask_human":
            state.escalated = True


def _wait_for(refused: BudgetRefused) -> Wait:
    """For a release of what others hold; for a person, or the budget's next period, when it is spent."""
    wake_after = refused.renews_in if refused.spent else HOLD_RETRY_SECONDS
    return Wait(WaitingOn.BUDGET, wake_after, detail=str(refused))
