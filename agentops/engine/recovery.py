"""What the engine does about a failure, by its kind: one table, one strategy each, a count, and an end.

    kind           what happened                              told    then
    empty          neither words nor a call                   twice   a person is asked
    truncated      the answer hit the output limit            twice   the run ends, with what there is
    refusal        the model would not go on                  once*   the run ends
    malformed      six calls in a row failed, of any tools    once    a person is asked
    tool           one tool failed 3 times in a row           once    a person is asked
    loop           the same calls, the same results           once    a person is asked
    answer_schema  the answer does not fit its schema         twice   the run ends, with what there is
    criteria       the answer misses a success criterion      once    the run ends, as not completed
    plan           the plan cannot be carried out             twice   the run ends

    * and the next model of the chain is asked.

Models that cannot be reached are tried again by the gateway, then by the run after a back-off (`asking`). Budgets and
limits are resources: a run waits for a budget, and ends at its own limits. Each notice is a visible step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentops.core.messages import Message, text_of
from agentops.core.states import StopReason

from . import loops, notices
from .state import Order, RunState

IN_A_ROW = 3
ESCALATED_BY = "AgentOps"


@dataclass(frozen=True, slots=True)
class Strategy:
    words: str
    """What the model is told; `{detail}` says what happened."""
    times: int
    then: StopReason | None
    """How the run ends when telling did not help; None: a person is asked."""


TABLE: dict[str, Strategy] = {
    "empty": Strategy("Your last turn was empty. Call a tool, or give your final answer in words.", 2, None),
    "truncated": Strategy("{detail} Give your whole answer again, shorter than that.", 2, StopReason.TRUNCATED),
    "refusal": Strategy(
        "The last turn was refused. If one part of the goal cannot be done, do the rest and say at the end which part "
        "was left out and why.",
        1,
        StopReason.REFUSED,
    ),
    "malformed": Strategy(
        "None of your calls of the last turns could be run: {detail} Look at the tools' schemas again and "
        "make one simple, complete call, or say what cannot be done.",
        1,
        None,
    ),
    "tool": Strategy(
        "{detail} Do not call it again in the same way. Find another way, or say what cannot be done.", 1, None
    ),
    "loop": Strategy(
        "You {detail}. Repeating it will not help. Look at your goal, and do something else or give your final answer "
        "with what you have.",
        1,
        None,
    ),
    "answer_schema": Strategy(
        "Your answer is not what was asked for: {detail} Answer again with nothing but the JSON.",
        2,
        StopReason.INVALID_ANSWER,
    ),
    "criteria": Strategy(
        "Your answer does not complete the task yet: {detail} Do what is missing, then answer again.",
        1,
        StopReason.ANSWERED,
    ),
    "plan": Strategy(
        "This plan cannot be carried out: {detail} Write the whole plan again.", 2, StopReason.PLAN_FAILED
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the next step tells the model about a problem."""

    problem: Problem
    time: int
    of: int

    @property
    def words(self) -> str:
        strategy = TABLE[self.problem.kind]
        return notices.notice(self.problem.kind, self.time, self.of, strategy.words.format(detail=self.problem.detail))

    @property
    def row(self) -> dict[str, Any]:
        return {"kind": self.problem.kind, "time": self.time, "of": self.of, "detail": self.problem.detail}


def tell(messages: list[Message], problem: Problem) -> Told | None:
    """What to tell the model; None when it was told often enough."""
    strategy = TABLE[problem.kind]
    told = notices.times_told(messages, problem.kind)
    return Told(problem, told + 1, strategy.times) if told < strategy.times else None


def of_calls(messages: list[Message]) -> Problem | None:
    """What is wrong with how the calls go, judged by those since the last notice."""
    calls = loops.traces(notices.since_a_notice(messages[-loops.LOOK_BACK :]))
    last = calls[-IN_A_ROW:]
    if len(last) == IN_A_ROW and all(call.failed for call in last):
        if len({call.tool for call in last}) == 1:
            return Problem("tool", f"{last[0].tool} has failed {IN_A_ROW} times in a row.")
        if all(call.failed for call in calls[-2 * IN_A_ROW :]) and len(calls) >= 2 * IN_A_ROW:
            return Problem("malformed", f"the last {2 * IN_A_ROW} failed.")
    circle = loops.found_in(calls)
    return Problem("loop", circle) if circle else None


def ask_person(state: RunState, problem: Problem) -> Order:
    """The engine's own call to the people who watch: it rather asks than guesses."""
    strategy = TABLE[problem.kind]
    said = next((text_of(m["content"]) for m in reversed(state.messages) if m["role"] == "assistant"), "")
    what = strategy.words.format(detail=problem.detail).split(". ")[0].rstrip(".")
    arguments: dict[str, Any] = {
        "question": f"The agent does not get on by itself and was told so. What should it do? ({what}.)"[:2000],
        "context": f"It said last: {said}"[:4000] if said else "It has said nothing yet.",
    }
    return Order("ask_human", arguments, ESCALATED_BY, note=problem.kind, stored=False)
