"""Whether an answer is one: not empty, cut off or refused, of the shape asked for, and good enough to end on."""

from __future__ import annotations

import json
import math
from typing import Any

from agentops.core import schemas
from agentops.core.messages import Block, text
from agentops.core.models import ModelAnswer
from agentops.core.states import StopReason

from . import fenced, recovery
from .interrupts import End
from .outside import Outside
from .recovery import Problem
from .state import RunState

EMPTY = "(empty)"
"""What a turn without any content is sent back as: the API takes no empty message."""


def form(state: RunState) -> str:
    """What the model is told of its answer's form before it begins; "" where any words will do."""
    schema = state.agent.answer_schema
    if schema is None:
        return ""
    return f"Your final answer must be nothing but JSON that fits this schema: {json.dumps(schema, ensure_ascii=False)}"


def as_sent(content: list[Block], stop_reason: str) -> list[Block]:
    """An answer as it goes back to the model: a refusal is named, not repeated."""
    if stop_reason == "refusal":
        return [text("(The model refused to go on.)")]
    return content or [text(EMPTY)]


def problem_of(state: RunState, outside: Outside, words: str, stop_reason: str) -> Problem | None:
    """What is wrong with a turn that called nothing; None when the run may end on it."""
    if stop_reason == "refusal":
        return Problem("refusal")
    if words.strip() in ("", EMPTY):
        return Problem("empty")
    if stop_reason == "max_tokens":
        most = state.agent.max_output_tokens
        return Problem("truncated", f"Your answer was cut off at the limit of {most} output tokens.")
    data, problem = read(words, state.agent.answer_schema)
    if problem:
        return Problem("answer_schema", problem)
    missing = outside.unmet(state, words, data)
    if not missing and state.judgements and state.judgements[-1].met is False:
        missing = state.judgements[-1].why
    return Problem("criteria", missing) if missing else None


def end_of(state: RunState, outside: Outside, answer: ModelAnswer) -> End | None:
    """How the run ends on this turn; None when it goes on."""
    if answer.stop_reason == "pause_turn" or (answer.tool_uses and answer.stop_reason != "refusal"):
        return None
    problem = problem_of(state, outside, answer.text, answer.stop_reason)
    if problem is None:
        data, _ = read(answer.text, state.agent.answer_schema)
        if any(criterion.get("kind") == "judge" for criterion in state.agent.success):
            return None
        return accepted(state, answer.text, data)
    strategy = recovery.TABLE[problem.kind]
    if strategy.then is None or recovery.tell(state.messages, problem):
        return None
    return given_up(state, problem, answer.text)


def accepted(state: RunState, words: str, data: Any) -> End:
    return End(StopReason.ANSWERED, words, data=data, outcome="completed" if state.agent.checked else "")


def given_up(state: RunState, problem: Problem, words: str) -> End:
    """Telling the model did not help: the run ends as the table says."""
    reason = recovery.TABLE[problem.kind].then or StopReason.ERROR
    if reason is StopReason.ANSWERED:
        data, _ = read(words, state.agent.answer_schema)
        return End(reason, words, data=data, outcome="not_completed", outcome_detail=problem.detail)
    details = {"refusal": "The model refused to go on."}
    detail = details.get(problem.kind, problem.detail.replace("Your answer", "The answer"))
    return End(reason, words, detail, outcome=state.agent.missed)


def read(words: str, schema: dict[str, Any] | None) -> tuple[Any, str]:
    """The answer's JSON and what is wrong with it, in words for the model; (None, "") where no schema asks for any."""
    if schema is None:
        return None, ""
    try:
        data = _parsed(words)
    except (ValueError, RecursionError) as error:
        return None, f"it is not JSON ({error}). The schema: {json.dumps(schema, ensure_ascii=False)[:4000]}"
    problem = schemas.problem(data, schema)
    return (None, problem) if problem else (data, "")


def _parsed(words: str) -> Any:
    """The JSON itself, or the one in a fenced block; models like to say something around it."""
    try:
        return _loaded(words)
    except ValueError:
        blocks = fenced.blocks(words)
        if len(blocks) != 1:
            raise
        return _loaded(blocks[0])


def _loaded(words: str) -> Any:
    """Raises ValueError for what Python takes for JSON and no database does."""
    return json.loads(words, parse_constant=_no_number, parse_float=_finite)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word[:40]} is too large a number")
    return number
