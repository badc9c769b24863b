"""What a plan is: a graph of steps, read from what a model or a person wrote and refused with every reason at once."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from agentops.core.errors import AgentOpsError

MOST_STEPS = 40
MOST_PROBLEMS = 8
LONGEST_TITLE = 200
LONGEST_INSTRUCTION = 8_000

_KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_FIELDS = {"key", "title", "instruction", "tools", "after", "max_tool_calls"}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["steps"],
    "properties": {
        "steps": {
            "type": "array",
            "maxItems": MOST_STEPS,
            "description": "What is done, in any order: each step begins when those it comes after are done.",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["key", "title", "instruction"],
                "properties": {
                    "key": {"type": "string", "maxLength": 40, "description": "A short name, once in the plan."},
                    "title": {"type": "string", "maxLength": LONGEST_TITLE},
                    "instruction": {"type": "string", "maxLength": LONGEST_INSTRUCTION},
                    "tools": {"type": "array", "items": {"type": "string"}, "default": []},
                    "after": {
                        "type": "array",
                        "items": {"type": "string"},
                        "default": [],
                        "description": "Keys of the steps whose results it needs.",
                    },
                    "max_tool_calls": {"type": "integer", "minimum": 0, "default": 0},
                },
            },
        }
    },
}
"""Of a plan as it is written and edited."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    key: str
    title: str
    instruction: str
    tools: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    max_tool_calls: int = 0

    @property
    def row(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "instruction": self.instruction,
            "tools": list(self.tools),
            "after": list(self.after),
            "max_tool_calls": self.max_tool_calls,
        }


@dataclass(frozen=True, slots=True)
class Room:
    """What a plan must keep within. `done`: keys of steps that an earlier plan has finished; a step may follow them."""

    tools: tuple[str, ...]
    most_calls: int
    most_steps: int = MOST_STEPS
    done: frozenset[str] = frozenset()


class Stage(StrEnum):
    """How it stands with a run's plan."""

    MISSING = "missing"
    """There is none, or a person rejected it."""
    IN_REVIEW = "in_review"
    WORKING = "working"
    STUCK = "stuck"
    """A step failed for good, nothing else can begin, and no other plan was made yet."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step: `done`, `failed` or `skipped`, with its answer or the reason."""

    key: str
    title: str
    status: str
    result: str


@dataclass(frozen=True, slots=True)
class Stand:
    stage: Stage
    room: Room
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    """Why a person rejected the plan before; "" when nobody did."""
    rejected: bool = False
    refused: str = ""
    """What was wrong with what the model wrote last, where that was no plan."""
    untold: bool = False
    """The plan is finished and the model has not been told its results."""
    wake_after: float | None = None
    """Seconds until an approval may take effect."""


class PlanRefused(AgentOpsError):
    """It cannot be carried out. The message names each step at fault and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        more = f" And {len(problems) - MOST_PROBLEMS} more." if len(problems) > MOST_PROBLEMS else ""
        super().__init__(" ".join(problems[:MOST_PROBLEMS]) + more)
        self.problems = problems


def read(words: str) -> Any:
    """The JSON that a model wrote: plain, in a fenced block, or with words around it. Raises PlanRefused."""
    candidates = [words, *_FENCED.findall(words)]
    begin, end = words.find("{"), words.rfind("}")
    if 0 <= begin < end:
        candidates.append(words[begin : end + 1])
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise PlanRefused(['It is not JSON. Answer with nothing but {"steps": […]}.'])


def check(value: Any, room: Room) -> list[PlannedStep]:
    """The steps, in the order given. Raises PlanRefused with everything that is wrong with them."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        raise PlanRefused(['A plan is an object with a list: {"steps": […]}.'])
    if strange := sorted(map(str, set(value) - {"steps"})):
        raise PlanRefused([f"A plan has nothing but steps; leave out {_named(strange)}."])
    given = value["steps"]
    if not given and not room.done:
        raise PlanRefused(["The plan has no step; write at least one."])
    if len(given) > room.most_steps:
        raise PlanRefused([f"The plan has {len(given)} steps; at most {room.most_steps} are allowed."])
    problems: list[str] = []
    steps = [_step(number, one, room, problems) for number, one in enumerate(given, 1)]
    # A step that an earlier plan has done keeps that result.
    found = [step for step in steps if step is not None and step.key not in room.done]
    if not problems:
        problems += _of_keys(found, room)
    if not problems:
        problems += _circles(found) + _over_budget(found, room)
    if problems:
        raise PlanRefused(problems)
    return found


def ready(steps: Mapping[str, tuple[str, Collection[str]]]) -> list[str]:
    """Keys of pending steps all of whose predecessors are done. `steps`: key → (status, keys it comes after)."""
    return [
        key
        for key, (status, after) in steps.items()
        if status == "pending" and all(steps[before][0] == "done" for before in after if before in steps)
    ]


def _step(number: int, value: Any, room: Room, problems: list[str]) -> PlannedStep | None:
    if not isinstance(value, dict):
        problems.append(f"Step {number} is not an object.")
        return None
    key = value.get("key")
    if not isinstance(key, str) or not _KEY.match(key):
        problems.append(f"Step {number}: its key must be 1 to 40 letters, digits, “-”, “_” or “.”.")
        return None
    where = f"Step “{key}”"
    before = len(problems)
    if strange := sorted(str(name)[:40] for name in set(value) - _FIELDS):
        problems.append(f"{where} has fields that no step has: {_named(strange)}.")
    title = _text(where, "title", value.get("title"), LONGEST_TITLE, problems)
    instruction = _text(where, "instruction", value.get("instruction"), LONGEST_INSTRUCTION, problems)
    tools = _names(where, "tools", value.get("tools"), problems)
    after = _names(where, "after", value.get("after"), problems)
    calls = value.get("max_tool_calls", 0)
    if isinstance(calls, bool) or not isinstance(calls, int) or calls < 0:
        problems.append(f"{where}: max_tool_calls must be a whole number, 0 or more.")
        calls = 0
    for tool in tools:
        if tool not in room.tools:
            near = get_close_matches(tool, room.tools, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            problems.append(f"{where}: there is no tool “{tool[:80]}”.{meant}")
    if len(problems) == before and tools and calls == 0:
        problems.append(f"{where} has tools but 0 tool calls: say how many it may make, or give it no tools.")
    return PlannedStep(key, title, instruction, tools, after, calls)


def _text(where: str, field: str, value: Any, most: int, problems: list[str]) -> str:
    if not isinstance(value, str) or not value.strip():
        problems.append(f"{where} has no {field}.")
        return ""
    if len(value) > most:
        problems.append(f"{where}: its {field} has {len(value):,} characters; at most {most:,} are allowed.")
    return value.strip()


def _names(where: str, field: str, value: Any, problems: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problems.append(f"{where}: {field} must be a list of names.")
        return ()
    return tuple(dict.fromkeys(value))


def _of_keys(steps: list[PlannedStep], room: Room) -> list[str]:
    keys = [step.key for step in steps]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        return [f"There are several steps “{key}”; give each a key of its own." for key in twice]
    known, problems = {*keys, *room.done}, []
    for step in steps:
        if step.key in step.after:
            problems.append(f"Step “{step.key}” comes after itself.")
        for missing in sorted(set(step.after) - known):
            problems.append(f"Step “{step.key}” comes after “{missing[:40]}”, which is no step.")
    return problems


def _circles(steps: list[PlannedStep]) -> list[str]:
    """What is left when steps are taken away whose predecessors are all gone waits in a circle."""
    waiting = {step.key: set(step.after) & {other.key for other in steps} for step in steps}
    while free := [key for key, after in waiting.items() if not after]:
        for key in free:
            del waiting[key]
        for after in waiting.values():
            after.difference_update(free)
    if not waiting:
        return []
    circle = [min(waiting)]
    while (following := min(waiting[circle[-1]])) not in circle:
        circle.append(following)
    circle = [*circle[circle.index(following) :], following]
    return [f"Steps wait for one another in a circle: {' → '.join(f'“{key}”' for key in circle)}."]


def _over_budget(steps: list[PlannedStep], room: Room) -> list[str]:
    total = sum(step.max_tool_calls for step in steps)
    if total <= room.most_calls:
        return []
    largest = max(steps, key=lambda step: step.max_tool_calls)
    return [
        f"The steps may make {total:,} tool calls together; {max(room.most_calls, 0):,} are left. The most are "
        f"step “{largest.key}”'s ({largest.max_tool_calls:,})."
    ]


def _named(names: list[str]) -> str:
    return ", ".join(f"“{name[:40]}”" for name in names[:MOST_PROBLEMS])
