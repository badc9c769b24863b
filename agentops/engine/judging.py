"""Whether an answer meets what no expression can decide: a model is asked, in a visible step beside the conversation.

What it said stands in the step's row and is not asked again after a restart. A judge that fails loses no run: the run
ends as answered, and says that it could not be judged.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from agentops.core.errors import BudgetRefused, LeaseLost
from agentops.core.messages import Message, size, text_of, user
from agentops.core.models import Attempt, CallCancelled, ModelAnswer, ModelFailed, ModelRequest
from agentops.core.states import StopReason
from agentops.core.storable import storable

from . import answers, limits, recovery
from .asking import Asking, Left
from .interrupts import End
from .outside import MOST_TRIES
from .prompts import judge as instructions
from .recovery import Problem
from .state import Judgement, OpenStep, RunState

MOST_ASKED = 2
"""How often a judge is asked whose words nobody can read."""
OUTPUT_TOKENS = 1_500
MOST_GOAL = 20_000
MOST_WHY = 400
MOST_QUESTION = 200
UNJUDGED = "It could not be judged whether the task is completed."


async def judge(asking: Asking) -> None:
    """Look at the answer that the conversation ends on, where the agent's criteria want that.

    Raises Left or End when the run ends with it; returns when there is nothing to judge, or more to be done.
    """
    state, journal = asking.state, asking.journal
    if not _due(asking) or await journal.unread(state):
        return
    while not _settled(state):
        await _ask(asking)
    end = _end(state)
    if end and not await journal.unread(state):
        raise end


def _due(asking: Asking) -> bool:
    """The run would end on its last turn, were it not for the judge."""
    state = asking.state
    if not _questions(state) or state.interrupted or state.begin_with or state.calls or not state.messages:
        return False
    last = state.messages[-1]
    if last["role"] != "assistant" or state.stop_reason == "pause_turn":
        return False
    return answers.problem_of(state, asking.outside, text_of(last["content"]), state.stop_reason) is None


def _questions(state: RunState) -> list[str]:
    return [str(one.get("question", "")) for one in state.agent.success if one.get("kind") == "judge"]


def _settled(state: RunState) -> bool:
    said = state.judgements
    return bool(said) and (not said[-1].again or len(said) >= MOST_ASKED)


def _end(state: RunState) -> End | None:
    """How the run ends by what was said of its answer; None when the agent is told what is missing."""
    said, words = state.judgements[-1], text_of(state.messages[-1]["content"])
    data, _problem = answers.read(words, state.agent.answer_schema)
    if said.met:
        return answers.accepted(state, words, data)
    if said.met is None:
        return End(StopReason.ANSWERED, words, data=data, outcome_detail=f"{UNJUDGED} {said.why}")
    problem = Problem("criteria", said.why)
    return None if recovery.tell(state.messages, problem) else answers.given_up(state, problem, words)


# ── one asking ─────────────────────────────────────────────────────────────────────────────────


async def _ask(asking: Asking) -> None:
    """One step, with its verdict. Raises Left when the run ends with it."""
    state, journal = asking.state, asking.journal
    message = user(_case(state))
    step, heard = await _hear(asking, message)
    verdicts, problem = _read(heard.answer, _questions(state)) if heard.answer else ([], heard.problem)
    said = _judgement(verdicts, problem, again=heard.answer is not None)
    details = {"met": said.met, "why": said.why, "again": said.again, "verdicts": verdicts}
    state.judgements.append(said)
    end = _end(state) if _settled(state) else None
    try:
        left = await journal.answer_judge(state, step, heard.attempts, heard.answer, details, end)
    except LeaseLost:
        await journal.settle_late(state, step, heard.attempts, [])
        raise
    if left:
        raise Left


@dataclass(frozen=True, slots=True)
class _Heard:
    attempts: list[Attempt]
    """What is still to be billed."""
    answer: ModelAnswer | None = None
    problem: str = ""


async def _hear(asking: Asking, message: Message) -> tuple[OpenStep, _Heard]:
    """What the judge answered, or what stood in the way, in the step that was opened for it."""
    state, journal = asking.state, asking.journal
    request = _request(state, message)
    if state.tries > MOST_TRIES:
        return await journal.open_judge(state, message, None), _Heard([], problem=f"It was tried {state.tries} times.")
    hold = asking.outside.model.worst_cost(request, 0, size([request.system, request.messages]))
    try:
        limits.check_cost(state, hold)
        step = await journal.open_judge(state, message, hold)
    except BudgetRefused as refused:
        return await journal.open_judge(state, message, None), _Heard([], problem=str(refused))
    except End as over_limit:
        return await journal.open_judge(state, message, None), _Heard([], problem=over_limit.detail)
    asking.hold = hold
    try:
        answer = await asking.outside.model.complete(
            request,
            on_delta=lambda delta: asking.outside.show(step.number, delta),
            on_failed_attempt=lambda attempt: asking.bill(step, attempt),
        )
    except CallCancelled as cancelled:
        await asyncio.shield(journal.settle_late(state, step, cancelled.attempts, []))
        raise
    except ModelFailed as failed:
        return step, _Heard(failed.attempts[-1:], problem=str(failed))
    except BudgetRefused as refused:
        return step, _Heard([], problem=str(refused))
    except End as over_limit:
        return step, _Heard([], problem=over_limit.detail)
    return step, _Heard(answer.attempts, answer)


def _request(state: RunState, message: Message) -> ModelRequest:
    agent = state.agent
    return ModelRequest(
        chain=agent.summary_chain or agent.chain,
        system=instructions(),
        messages=[message],
        tools=[],
        max_output_tokens=OUTPUT_TOKENS,
    )


def _case(state: RunState) -> str:
    """As one JSON object: nothing in it can pretend to stand outside of it."""
    done = [f"step {deed.step}: {deed.effect}: {deed.outcome}" for deed in state.deeds]
    case = {
        "goal": state.goal[:MOST_GOAL],
        "done": done,
        "tools_used": sorted(state.used),
        "answer": text_of(state.messages[-1]["content"]),
        "questions": _questions(state),
    }
    return json.dumps(case, ensure_ascii=False, indent=1)


def _read(answer: ModelAnswer, questions: list[str]) -> tuple[list[dict[str, Any]], str]:
    """The verdicts, and why there are none."""
    if answer.stop_reason == "refusal":
        return [], "The model refused to judge it."
    data, problem = answers.read(answer.text, _schema(len(questions)))
    if problem:
        return [], f"What it said could not be read: {problem}"
    verdicts = [
        {"question": _line(question, MOST_QUESTION), "met": one["met"], "why": _line(one["why"])}
        for question, one in zip(questions, data["verdicts"], strict=True)
    ]
    return verdicts, ""


def _schema(questions: int) -> dict[str, Any]:
    verdict = {
        "type": "object",
        "properties": {"met": {"type": "boolean"}, "why": {"type": "string"}},
        "required": ["met", "why"],
    }
    verdicts = {"type": "array", "items": verdict, "minItems": questions, "maxItems": questions}
    return {"type": "object", "properties": {"verdicts": verdicts}, "required": ["verdicts"]}


def _judgement(verdicts: list[dict[str, Any]], problem: str, *, again: bool) -> Judgement:
    if not verdicts:
        return Judgement(None, _line(problem), again)
    missing = [f"“{one['question']}” was judged not to be met: {one['why']}" for one in verdicts if not one["met"]]
    return Judgement(not missing, " ".join(missing))


def _line(words: str, most: int = MOST_WHY) -> str:
    line = " ".join(storable(words).split())
    return line if len(line) <= most else line[: most - 1] + "…"
