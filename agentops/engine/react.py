"""The loop: ask the model, do what it asks, tell it what came of it; one step, one checkpoint.

Everything that happens outside (a model call, a tool) happens between two commits of the journal, so that a killed
worker leaves a row that says how far it came. Interrupts (waiting, limits, pause, the end) are exceptions.
"""

from __future__ import annotations

import asyncio

from agentops.core.errors import LeaseLost
from agentops.core.states import StopReason

from . import aside, judging, ordering, planning
from .acting import Acting
from .asking import Asking, Left
from .interrupts import End, Interrupt, Pause
from .outside import Outside
from .state import Order, RunState


async def advance(state: RunState, outside: Outside) -> None:
    """Take the run as far as it goes: to its end, or to something it waits for."""
    journal, acting = outside.journal, Acting(state, outside)
    asking = Asking(state, outside, acting)
    try:
        try:
            await aside.answer_all(asking)
            while True:
                await acting.finish_calls()
                journal.check()
                if order := await _next_order(state, asking):
                    await ordering.carry_out(asking, order)
                    continue
                step, request = await asking.open_step()
                answer = await asking.ask(step, request)
                await asking.take(step, answer)
        except Interrupt as interrupt:
            await journal.leave(state, acting.done, interrupt)
    except Left:
        return
    except (LeaseLost, asyncio.CancelledError):
        if acting.done:
            await asyncio.shield(journal.settle_late(state, None, [], acting.take_done()))
        raise


async def _next_order(state: RunState, asking: Asking) -> Order | None:
    """A call to be made before the model is asked again. Raises the interrupt of a run whose model is not asked."""
    if state.orders:
        return state.orders[0]
    if state.taken_over:
        raise Pause
    if state.undoing:
        if asking.acting.done:
            await asking.journal.settle_calls(state, asking.acting.take_done())
        raise End(StopReason.ANSWERED, await asking.journal.report(state))
    if state.agent.plans:
        await planning.work_through(asking)
    await judging.judge(asking)
    return await asking.consider()
