"""A person asks the agent something before deciding: it answers in words, beside the conversation, and stays held."""

from __future__ import annotations

import asyncio

from agentops.core.errors import BudgetRefused
from agentops.core.messages import Message, user
from agentops.core.models import CallCancelled, ModelFailed

from . import calls as tool_calls
from . import limits
from .asking import Asking
from .interrupts import End
from .outside import MOST_TRIES
from .state import Asked

QUESTION = (
    "Before deciding about “{effect}”, a person ({by}) asks you: {question}\n"
    "Answer in words, shortly and truthfully. Call no tool now; what you asked for stays as it is until they decide."
)


async def answer_all(asking: Asking) -> None:
    """Each question becomes a step of its own, which the run's conversation never sees."""
    state = asking.state
    if state.cut_off_aside:
        await asking.journal.abandon_aside(state, state.cut_off_aside)
        state.cut_off_aside = None
    while state.asked:
        if state.tries > MOST_TRIES:
            problem = f"Answering was tried {state.tries} times and never finished."
            await asking.journal.answer_aside(state, None, state.asked[0], [], problem=problem)
        else:
            await _answer(asking, state.asked[0])
        state.asked.pop(0)


async def _answer(asking: Asking, asked: Asked) -> None:
    state, journal = asking.state, asking.journal
    message = _message(asking, asked)
    request = asking.request([*state.messages, message], words_only=True)
    step = None
    try:
        asking.hold = asking.worst_cost(request)
        limits.check_cost(state, asking.hold)
        step = opened = await journal.open_aside(state, message, asking.hold)
        answer = await asking.outside.model.complete(
            request,
            on_delta=lambda delta: asking.outside.show(opened.number, delta),
            on_failed_attempt=lambda attempt: asking.bill(opened, attempt),
        )
    except CallCancelled as cancelled:
        await asyncio.shield(journal.settle_late(state, step, cancelled.attempts, []))
        raise
    except ModelFailed as failed:
        await journal.answer_aside(state, step, asked, failed.attempts[-1:], problem=str(failed))
    except BudgetRefused as refused:
        await journal.answer_aside(state, step, asked, [], problem=str(refused))
    except End as over_limit:
        await journal.answer_aside(state, step, asked, [], problem=over_limit.detail)
    else:
        await journal.answer_aside(state, step, asked, answer.attempts, answer)


def _message(asking: Asking, asked: Asked) -> Message:
    results = tool_calls.results(asking.state.calls, asking.outside.render)
    return user(*results, QUESTION.format(effect=asked.effect, by=asked.by, question=asked.question))
