"""Makes room before a step opens: near the end of its context, the conversation is shortened in a step of its own.

The summary is a model's. When none can be had (it fails, or no budget has room for it), the record itself is the
summary: a run is never lost for want of one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agentops.core.context import Parts
from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Block, Message, size, user
from agentops.core.models import Attempt, CallCancelled, ModelAnswer, ModelFailed, ModelRequest
from agentops.core.states import StopReason
from agentops.core.storable import storable
from agentops.core.tools import InvalidArguments, Toolbox

from . import limits, reminder
from .interrupts import End
from .outside import MOST_TRIES
from .prompts import summarise
from .room import Window
from .state import Opening, OpenStep, RunState

if TYPE_CHECKING:
    from .asking import Asking

SUMMARY_TOKENS = 1_500
"""What a summary may be long."""
MOST_SUMMARY = 5 * SUMMARY_TOKENS
"""Characters of it, where a server does not mind the limit."""
WORTHWHILE = 0.1
"""Share of the request that shortening must save, as long as the request still fits."""
RESULTS_OVER = 600
"""Bytes from which results of kept turns are shortened, when leaving turns out was not enough."""

INSTRUCTION = "Summarise the turns before the last ones, so that the conversation can go on without them."


@dataclass(frozen=True, slots=True)
class Summary:
    """`by` is the model that wrote it; "" when it is the record. `problem` says why none wrote it."""

    words: str
    by: str = ""
    problem: str = ""
    answer: ModelAnswer | None = None
    attempts: list[Attempt] = field(default_factory=list)
    """What is still to be billed."""


async def make_room(asking: Asking, opening: Opening) -> Opening:
    """The opening with the size of its request; the conversation before it is shorter where that was needed.

    Raises End when it cannot be made to fit.
    """
    window = asking.outside.window
    if window is None:
        return opening
    return await _Shortening(asking, window).fit(opening)


class _Shortening:
    def __init__(self, asking: Asking, window: Window) -> None:
        self.asking = asking
        self.state = asking.state
        self.journal = asking.journal
        self.window = window

    async def fit(self, opening: Opening) -> Opening:
        parts = await self._count(opening)
        if parts.used > parts.line and await self._shorten(opening, parts):
            limits.check(self.state)
            opening = replace(opening, reminder=reminder.of(self.state))
            parts = self._measure(opening)
        if parts.used > parts.line:
            opening, parts = self._shorten_message(opening, parts)
        if parts.used > parts.room:
            raise limits.stop(
                self.state,
                StopReason.CONTEXT_FULL,
                f"Its next request would hold about {parts.used:,} tokens, of {parts.budget:,} that it may hold with "
                "the answer, and there is nothing more to leave out.",
            )
        return replace(opening, context=parts.stored())

    # ── how large it is ────────────────────────────────────────────────────────────────────────

    def _request(self, opening: Opening, messages: list[Message] | None = None) -> ModelRequest:
        before = self.state.messages if messages is None else messages
        return self.asking.request([*before, opening.message], reminder=opening.reminder)

    def _measure(self, opening: Opening, messages: list[Message] | None = None) -> Parts:
        """After a shortening nothing of the conversation has been counted by the provider yet."""
        state = self.state
        known = 0 if state.shortened or messages is not None else state.known_tokens
        return self.window.parts(self._request(opening, messages), known, state.counted_messages)

    async def _count(self, opening: Opening) -> Parts:
        parts = self._measure(opening)
        if not self.window.in_doubt(parts):
            return parts
        counted = await self.asking.outside.model.count(self._request(opening))
        return parts if counted is None else parts.counted(counted)

    # ── making it smaller ──────────────────────────────────────────────────────────────────────

    async def _shorten(self, opening: Opening, before: Parts) -> bool:
        """Leave earlier turns out, in a step that people see. False when there is too little to leave out."""
        state, window = self.state, self.window
        if len(state.messages) < 2 or state.messages[-1]["role"] != "assistant":
            return False
        kept, over = window.keepable(state.messages, before), None
        left_out = state.messages[: len(state.messages) - kept]
        mark = "…" if len(left_out) > 1 else ""
        after = self._measure(opening, window.shorten(state.messages, kept, mark, over))
        if after.used > before.line:
            over = RESULTS_OVER
            after = self._measure(opening, window.shorten(state.messages, kept, mark, over))
        if before.used - after.used <= (WORTHWHILE * before.used if before.used <= before.room else 0):
            return False
        step, summary = await self._summarise(left_out) if mark else (await self._open(), Summary(""))
        shorter = window.shorten(state.messages, kept, summary.words, over)
        await self._close(
            step,
            summary,
            {
                "kept": kept,
                "results_over": over,
                "before": before.used,
                "after": self._measure(opening, shorter).used,
                "model": summary.by,
                "problem": summary.problem,
            },
        )
        take_up(state, shorter)
        return True

    def _shorten_message(self, opening: Opening, parts: Parts) -> tuple[Opening, Parts]:
        """The results that the step begins with, as the last resort: the model can read them back, part by part."""
        if parts.used <= parts.room:
            return opening, parts
        shorter = replace(opening, message=self.window.stubbed(opening.message))
        return shorter, self._measure(shorter)

    # ── the step ───────────────────────────────────────────────────────────────────────────────

    async def _open(self, hold: Decimal | None = None) -> OpenStep:
        acting = self.asking.acting
        step = await self.journal.open_compaction(self.state, acting.done, user(INSTRUCTION), hold)
        acting.take_done()
        return step

    async def _close(self, step: OpenStep, summary: Summary, details: dict[str, Any]) -> None:
        try:
            await self.journal.answer_compaction(
                self.state, step, summary.attempts, summary.words, details, summary.answer
            )
        except LeaseLost:
            await self.journal.settle_late(self.state, step, summary.attempts, [])
            raise

    async def _summarise(self, left_out: list[Message]) -> tuple[OpenStep, Summary]:
        """A model's summary in the step that was opened for it; of the record where none can be had."""
        state, asking = self.state, self.asking
        request = self._summary_request(left_out)
        if state.tries > MOST_TRIES:
            return await self._open(), self._plain(left_out, f"It was tried {state.tries} times.")
        hold = asking.outside.model.worst_cost(request, 0, size([request.system, request.messages]))
        try:
            limits.check_cost(state, hold)
            step = opened = await self._open(hold)
        except BudgetRefused as refused:
            return await self._open(), self._plain(left_out, str(refused))
        except End as over_limit:
            return await self._open(), self._plain(left_out, over_limit.detail)
        asking.hold = hold
        try:
            answer = await asking.outside.model.complete(
                request,
                on_delta=lambda delta: asking.outside.show(opened.number, delta),
                on_failed_attempt=lambda attempt: asking.bill(opened, attempt),
            )
        except CallCancelled as cancelled:
            await asyncio.shield(self.journal.settle_late(state, step, cancelled.attempts, []))
            raise
        except ModelFailed as failed:
            return step, self._plain(left_out, str(failed), failed.attempts[-1:])
        except BudgetRefused as refused:
            return step, self._plain(left_out, str(refused))
        except End as over_limit:
            return step, self._plain(left_out, over_limit.detail)
        words = storable(answer.text).strip()[:MOST_SUMMARY]
        if not words or answer.stop_reason == "refusal":
            return step, self._plain(left_out, "The model wrote no summary.", answer.attempts)
        return step, Summary(words, answer.attempts[-1].model, answer=answer, attempts=answer.attempts)

    def _summary_request(self, left_out: list[Message]) -> ModelRequest:
        agent = self.state.agent
        return ModelRequest(
            chain=agent.summary_chain or agent.chain,
            system=summarise(),
            messages=[user(self.window.record(left_out, self._describe))],
            tools=[],
            max_output_tokens=SUMMARY_TOKENS,
        )

    def _plain(self, left_out: list[Message], problem: str, attempts: list[Attempt] | None = None) -> Summary:
        words = storable(self.window.plain_summary(left_out, self._describe))
        return Summary(words, problem=problem, attempts=attempts or [])

    def _describe(self, use: Block) -> str:
        """What a call would do, in its tool's own words."""
        toolbox: Toolbox = self.asking.outside.toolbox
        tool = toolbox.get(str(use.get("name")))
        try:
            return tool.effect_line(tool.validate(use.get("input"))) if tool else str(use.get("name"))
        except InvalidArguments:
            return str(use.get("name"))


def take_up(state: RunState, shorter: list[Message]) -> None:
    """Go on with the shorter conversation.

    What the provider counted bounds the part of it that is left; what is new is counted in bytes.
    """
    if state.known_tokens:
        uncounted = [*state.messages[state.counted_messages :], shorter[0]]
        state.known_tokens += sum(size(message["content"]) for message in uncounted)
    state.messages, state.counted_messages, state.shortened = shorter, len(shorter), True
