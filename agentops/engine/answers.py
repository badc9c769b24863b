"""Whether an answer is one: not empty, cut off or refused, of the shape asked for, and good enough to end on."""

from __future__ import annotations

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from agentops.core.messages import Block, text
from agentops.core.models import ModelAnswer
from agentops.core.states import StopReason

from . import recovery
from .interrupts import End
from .outside import Outside
from .recovery import Problem
from .state import RunState

MOST_ERRORS = 5
EMPTY = "(empty)"
"""What a turn without any content is sent back as: the API takes no empty message."""
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)


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
    checked = bool(state.agent.success) or state.agent.answer_schema is not None
    return End(StopReason.ANSWERED, words, data=data, outcome="completed" if checked else "")


def given_up(state: RunState, problem: Problem, words: str) -> End:
    """Telling the model did not help: the run ends as the table says."""
    reason = recovery.TABLE[problem.kind].then or StopReason.ERROR
    if reason is StopReason.ANSWERED:
        data, _ = read(words, state.agent.answer_schema)
        return End(reason, words, data=data, outcome="not_completed", outcome_detail=problem.detail)
    details = {"refusal": "The model refused to go on."}
    detail = details.get(problem.kind, problem.detail.replace("Your answer", "The answer"))
    return End(reason, words, detail, outcome="not_completed" if state.agent.success else "")


def read(words: str, schema: dict[str, Any] | None) -> tuple[Any, str]:
    """The answer's JSON and what is wrong with it, in words for the model; (None, "") where no schema asks for any."""
    if schema is None:
        return None, ""
    try:
        data = _parsed(words)
    except (ValueError, RecursionError) as error:
        return None, f"it is not JSON ({error}). The schema: {json.dumps(schema, ensure_ascii=False)[:4000]}"
    errors = sorted(Draft202012Validator(schema).iter_errors(data), key=lambda error: list(map(str, error.path)))
    if not errors:
        return data, ""
    told = [f"{'.'.join(map(str, error.path)) or 'the whole'}: {error.message[:300]}" for error in errors[:MOST_ERRORS]]
    more = f" (and {len(errors) - MOST_ERRORS} more)" if len(errors) > MOST_ERRORS else ""
    return None, f"{'; '.join(told)}{more}."


def _parsed(words: str) -> Any:
    """The JSON itself, or the one in a fenced block; models like to say something around it."""
    try:
        return json.loads(words)
    except ValueError:
        blocks = _FENCED.findall(words)
        if len(blocks) != 1:
            raise
        return json.loads(blocks[0])
