"""The operations lead's report: a part for each step of its plan, and what is missing."""

from __future__ import annotations

from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

from . import heard
from .heard import Heard, Outcome

NOT_YET = "Note from AgentOps (criteria,"


def turn(request: Request) -> Turn:
    return Turn(text=closing(request))


def closing(request: Request) -> str:
    texts = (text for text in heard.words(request) if text.startswith(Heard.WORKED.value))
    outcomes = heard.outcomes(next(texts, ""))
    parts = [_in_short(outcomes), *(f"## {one.title}\n\n{_body(one)}" for one in outcomes)]
    if any(text.startswith(NOT_YET) for text in heard.words(request)):
        parts.append("I have no more than this: what is missing was in no step of the plan.")
    return "\n\n".join(parts)


def _in_short(outcomes: list[Outcome]) -> str:
    missing = [one.title for one in outcomes if not one.done]
    done = len(outcomes) - len(missing)
    if not done:
        return "Nothing of the plan could be done, so there is no report."
    if missing:
        return f"**{done} of {len(outcomes)} parts are done.** Missing: {', '.join(missing)}."
    return f"**All {done} parts are done.** Nothing was sent, and nothing was changed in the shop."


def _body(one: Outcome) -> str:
    return one.text if one.done else f"Missing: {one.text or 'no reason was given.'}"
