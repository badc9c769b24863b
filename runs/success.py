"""Success criteria of an agent: what an answer must meet for its task to count as completed, apart from having ended.

A `check` is a CEL expression over the answer and what was done; a `judge` is a question that a model answers
(`agentops.engine.judging`). One that cannot be evaluated counts as not met, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import cel
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput
from agentops.engine.state import RunState
from approvals.conditions import MAX_ARGUMENT_BYTES, Condition, ConditionFailed, check, check_size, copies

from .texts import check_text

KINDS = ("check", "judge")
MOST = 10
MOST_COPIES = 3
"""They are evaluated between two turns of a run, in its worker's loop; a copy of 1,000 values takes 0.1 s."""
VARIABLES = ("answer", "data", "tools", "steps", "cost_usd")
"""What an expression may look at: the answer's words, its data (or null), the names of the tools that did what they
were called for, steps and USD so far."""
LONGEST_EXPRESSION = 2_000
LONGEST_MESSAGE = 500
LONGEST_QUESTION = 2_000


@dataclass
class Facts:
    answer: str
    data: Any
    tools: list[str]
    steps: int
    cost_usd: float

    @cached_property
    def context(self) -> cel.Context:
        if len(self.answer.encode("utf-8", "replace")) > MAX_ARGUMENT_BYTES:
            raise ConditionFailed(_("The answer is too long to be looked at."))
        try:
            check_size(self.data)
        except ConditionFailed as failed:
            raise ConditionFailed(_("The answer's data are too large to be looked at.")) from failed
        return cel.Context({name: getattr(self, name) for name in VARIABLES})


_TRIALS = (
    Facts("", None, [], 0, 0.0),
    Facts("12", {}, ["read_file"], 7, 0.25),
    *(Facts("Done.", data, ["read_file", "send_email"], 30, 1.5) for data in ([], 5, 2.5, True, "2")),
)
"""Made up: an expression that is never true or false here, whatever the kind of the data, is so nowhere."""
_HOPELESS = ("Undefined variable or function", "not a valid regex")
"""What CEL says of a call that fits no values of these kinds; its other errors may be due to the values."""


def unmet(state: RunState, answer: str, data: Any) -> str:
    """What the answer misses of the agent's checks, in words; "" when nothing."""
    checks = [criterion for criterion in state.agent.success if criterion.get("kind") == "check"]
    if not checks:
        return ""
    facts = Facts(answer, data, sorted(state.used), state.steps, float(state.cost_usd + state.lent.cost_usd))
    return " ".join(words for criterion in checks if (words := _missed(criterion, facts)))


def _missed(criterion: dict[str, Any], facts: Facts) -> str:
    message = _sentence(criterion.get("message", ""))
    try:
        return "" if _condition(criterion.get("expression", "")).holds(facts) else message
    except ConditionFailed as failed:
        return f"{message} (It could not be checked, so it counts as not met: {str(failed).rstrip('.')}.)"


def _check_decides(expression: str) -> None:
    """Raises InvalidInput when it is never true or false: of a wrong kind, or in error whatever the run did."""
    condition, reasons = Condition(expression), []
    for trial in _TRIALS:
        try:
            condition.holds(trial)
        except ConditionFailed as failed:
            if not _hopeless(failed):
                return
            reasons.append(str(failed).partition(". ")[0].rstrip("."))
        else:
            return
    raise InvalidInput(
        _("Tried on made-up runs, this is never true or false: %(why)s. Compare: answer.contains('refunded')")
        % {"why": reasons[-1]}
    )


def _hopeless(failed: ConditionFailed) -> bool:
    """A field or an element that is missing, or a text that is no number, may be there in a run."""
    error = failed.__cause__
    return error is None or isinstance(error, TypeError | ZeroDivisionError) or any(w in str(error) for w in _HOPELESS)


@lru_cache(maxsize=512)
def _condition(source: str) -> Condition:
    return Condition(source)


def _sentence(words: str) -> str:
    return words if words[-1:] in ".!?…" else f"{words}."


def checked(criteria: Any) -> list[dict[str, str]]:
    """The criteria as they are kept. Raises InvalidInput with which of them is at fault, and why."""
    if not isinstance(criteria, list):
        raise InvalidInput(_("Success criteria are a list."), "success")
    if len(criteria) > MOST:
        raise InvalidInput(_("At most %(most)s success criteria are allowed.") % {"most": MOST}, "success")
    kept = [_checked(number, one) for number, one in enumerate(criteria, start=1)]
    if sum(copies(one.get("expression", "")) for one in kept) > MOST_COPIES:
        raise InvalidInput(
            _("Together the expressions may use filter() and map() %(most)s times; all() and exists() are cheaper.")
            % {"most": MOST_COPIES},
            "success",
        )
    return kept


def _checked(number: int, one: Any) -> dict[str, str]:
    try:
        return _one(one)
    except InvalidInput as error:
        raise InvalidInput(
            _("Criterion %(number)s: %(error)s") % {"number": number, "error": error}, f"success.{number - 1}"
        ) from error


def _one(one: Any) -> dict[str, str]:
    if not isinstance(one, dict) or one.get("kind") not in KINDS:
        raise InvalidInput(_("A criterion is of kind “check” or “judge”."))
    wanted = {"kind", "expression", "message"} if one["kind"] == "check" else {"kind", "question"}
    if unknown := set(map(str, one)) - wanted:
        raise InvalidInput(_("A %(kind)s has no “%(name)s”.") % {"kind": one["kind"], "name": sorted(unknown)[0][:40]})
    if one["kind"] == "judge":
        question = check_text(one.get("question", ""), "success", LONGEST_QUESTION).strip()
        if not question:
            raise InvalidInput(_("Ask what the model is to judge: “Does the answer name every open order?”"))
        return {"kind": "judge", "question": question}
    expression = check_text(one.get("expression", ""), "success", LONGEST_EXPRESSION).strip()
    if not expression:
        raise InvalidInput(_("Give an expression, like: answer.contains('refunded')"))
    check(expression, VARIABLES)
    _check_decides(expression)
    message = check_text(one.get("message", ""), "success", LONGEST_MESSAGE).strip()
    if not message:
        raise InvalidInput(_("Say in words what is missing when the expression is false; the agent is told so."))
    return {"kind": "check", "expression": expression, "message": message}
