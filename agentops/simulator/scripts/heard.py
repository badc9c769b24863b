"""What the engine says to an agent that plans, by its first words; nothing from outside stands where they do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from agentops.simulator.requests import Request

from . import results


class Heard(Enum):
    WANTED = "Before anything is done, write a plan."
    REFUSED = "Note from AgentOps (plan,"
    REJECTED = "A person looked at the plan and did not approve it."
    STUCK = "The plan cannot be finished as it is."
    WORKED = "The plan is worked through."


MOST_STEPS = re.compile(r"\b[Aa]t most (\d+) steps")
MOST_CALLS = re.compile(r"\b(?:together at most|steps and) (\d+) tool calls")
REASON = re.compile(r"Their reason: (.*?)\n\nWrite the whole plan again", re.DOTALL)
OUTCOME = re.compile(r"^Step “([^”\n]+)” \((.*)\): (done|failed|skipped|not begun)\n(\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: its result, or why there is none."""

    key: str
    title: str
    status: str
    text: str

    @property
    def done(self) -> bool:
        return self.status == "done"


def words(request: Request) -> Iterator[str]:
    """Every text that was said to the agent, the latest first."""
    for message in reversed(request.messages):
        if message["role"] == "user":
            yield from (block["text"] for block in reversed(message["content"]) if block["type"] == "text")


def latest(request: Request) -> tuple[Heard, str] | None:
    """What it was asked for last, and in which words; None when nobody spoke of a plan."""
    found = ((kind, text) for text in words(request) for kind in Heard if text.startswith(kind.value))
    return next(found, None)


def room(request: Request) -> tuple[int, int]:
    """How many steps and tool calls a plan may have, as it was told last."""
    for text in words(request):
        steps, calls = MOST_STEPS.search(text), MOST_CALLS.search(text)
        if steps and calls and any(text.startswith(kind.value) for kind in Heard):
            return int(steps[1]), int(calls[1])
    return 40, 1_000


def reasons(request: Request) -> list[str]:
    """Why people turned its plans down, the first one first."""
    said = (REASON.search(text) for text in words(request) if text.startswith(Heard.REJECTED.value))
    return [results.one_line(match[1], 500) for match in said if match][::-1]


def outcomes(text: str) -> list[Outcome]:
    found = []
    for key, title, status, told in OUTCOME.findall(text):
        result = results.read(told)
        data = result.data if isinstance(result.data, str) else json.dumps(result.data, ensure_ascii=False)
        found.append(Outcome(key, title, status, data if result.ok else result.problem))
    return found
