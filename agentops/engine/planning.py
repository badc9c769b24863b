"""Plan and execute: the model writes a graph of steps, runs carry them out, and it answers from the results.

How far a plan is stands in its rows, not here: each time round, the journal says how it stands, and one thing is done.
"""

from __future__ import annotations

from agentops.core.errors import LeaseLost
from agentops.core.messages import user
from agentops.core.models import ModelAnswer
from agentops.core.states import StopReason, WaitingOn
from agentops.core.tools import ToolResult

from . import answers, limits, plan_rules, plans, recovery
from .asking import Asking, Left
from .interrupts import End, Wait
from .plan_faults import PlanRefused
from .plans import Outcome, PlannedStep, Room, Stage, Stand
from .prompts import filled
from .recovery import Problem
from .state import OpenStep

MOST_SHOWN = 12_000
"""Characters of a step's result that the model is told; a person can read it whole."""


async def work_through(asking: Asking) -> None:
    """Returns when the model is to give the final answer. Raises Wait while a person or other runs must act first."""
    state = asking.state
    if state.interrupted is not None and state.interrupted.kind != "plan":
        return
    while True:
        asking.journal.check()
        stand = await asking.journal.advance_plan(state)
        if stand.stage is Stage.IN_REVIEW:
            raise Wait(WaitingOn.APPROVAL, stand.wake_after)
        if stand.stage is Stage.WORKING:
            raise Wait(WaitingOn.CHILD)
        if stand.stage is Stage.FINISHED:
            if stand.untold:
                words = filled("synthesis", outcomes=_told(asking, stand.outcomes))
                state.begin_with = user(*filter(None, (words, answers.form(state))))
            return
        await _plan(asking, stand)


async def _plan(asking: Asking, stand: Stand) -> None:
    """One planning step: the model writes a plan, which is stored, or refused with the reasons."""
    state = asking.state
    problem = Problem("plan", stand.refused) if stand.refused else None
    told = recovery.tell(state.messages, problem) if problem else None
    words = told.words if told else _wanted(asking, stand)
    step, request = await asking.open_plan(words, told)
    answer = await asking.ask(step, request)
    await _take(asking, step, answer, stand)


async def _take(asking: Asking, step: OpenStep, answer: ModelAnswer, stand: Stand) -> None:
    state = asking.state
    steps: list[PlannedStep] | None = None
    end: End | None = None
    problem = ""
    try:
        steps = _read(answer, stand.room)
    except PlanRefused as refused:
        problem = str(refused)
        if recovery.tell(state.messages, Problem("plan", problem)) is None:
            if stand.stage is Stage.STUCK:
                # There is a plan, and part of it is done: the answer is given from that.
                steps = []
            else:
                end = limits.stop(state, StopReason.PLAN_FAILED, f"No plan that can be carried out: {problem}")
    try:
        left = await asking.journal.answer_plan(state, step, answer, steps, end, problem)
    except LeaseLost:
        await asking.journal.settle_late(state, step, answer.attempts, [])
        raise
    if left:
        raise Left
    asking.keep(answer)


def _read(answer: ModelAnswer, room: Room) -> list[PlannedStep]:
    if answer.stop_reason == "refusal":
        raise PlanRefused(["The model refused to write one."])
    if answer.stop_reason == "max_tokens":
        raise PlanRefused(["It was cut off at the output limit. Write a shorter one."])
    return plan_rules.check(plans.read(answer.text), room)


def _wanted(asking: Asking, stand: Stand) -> str:
    """What the model is asked for: a plan, another after a person's no, or one for what is left."""
    room = stand.room
    sizes = {"most_steps": room.most_steps, "most_calls": max(room.most_calls, 0)}
    if stand.stage is Stage.STUCK:
        return filled("replan", outcomes=_told(asking, stand.outcomes), **sizes)
    if stand.rejected:
        reason = f"Their reason: {stand.reason}" if stand.reason else "They gave no reason."
        return filled("rejected", reason=reason, **sizes)
    specs = [spec for spec in asking.outside.toolbox.specs() if spec.name in room.tools]
    tools = "\n".join(f"- {spec.name}: {' '.join(spec.description.split())[:300]}" for spec in specs)
    return filled("plan", tools=tools or "(none)", **sizes)


def _told(asking: Asking, outcomes: tuple[Outcome, ...]) -> str:
    return "\n\n".join(_outcome(asking, outcome) for outcome in outcomes)


def _outcome(asking: Asking, outcome: Outcome) -> str:
    """In the envelope of a tool's result: what a run read outside stays marked as data."""
    ok = outcome.status == "done"
    shown = outcome.result[:MOST_SHOWN]
    result = ToolResult(
        "ok" if ok else "error",
        data=shown if ok else None,
        error="" if ok else shown or "Nothing was done.",
        truncated=len(outcome.result) > MOST_SHOWN,
        untrusted_source=asking.state.tainted_by,
    )
    return f"Step “{outcome.key}” ({outcome.title}): {outcome.status}\n{asking.outside.render(result)}"
