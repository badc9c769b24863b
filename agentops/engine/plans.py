"""What a plan is: a graph of steps, what it must keep within, and how far a run is with one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import fenced
from .plan_faults import PlanRefused

MOST_STEPS = 40
LONGEST_TITLE = 200
LONGEST_INSTRUCTION = 8_000

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


def read(words: str) -> Any:
    """The JSON that a model wrote: plain, in a fenced block, or with words around it. Raises PlanRefused."""
    candidates = [words, *fenced.blocks(words)]
    begin, end = words.find("{"), words.rfind("}")
    if 0 <= begin < end:
        candidates.append(words[begin : end + 1])
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise PlanRefused(['It is not JSON. Answer with nothing but {"steps": […]}.'])


def ready(steps: Mapping[str, tuple[str, Collection[str]]]) -> list[str]:
    """Keys of pending steps all of whose predecessors are done. `steps`: key → (status, keys it comes after)."""
    return [
        key
        for key, (status, after) in steps.items()
        if status == "pending" and all(steps[before][0] == "done" for before in after if before in steps)
    ]
