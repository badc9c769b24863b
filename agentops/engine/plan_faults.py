"""What can be wrong with a plan: each fault where it is and of its kind, and the refusal that tells them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agentops.core.errors import AgentOpsError

MOST_PROBLEMS = 8


class Wrong(StrEnum):
    """What can be wrong with a plan, for those who say it in other words than a model is told."""

    SHAPE = "shape"
    """It, or a step, is not made as one."""
    NO_STEPS = "no_steps"
    STEPS = "steps"
    """More than there may be: `count`, `most`."""
    KEY = "key"
    TWICE = "twice"
    EMPTY = "empty"
    LONG = "long"
    """`count` characters where `most` may be."""
    TOOL = "tool"
    """There is no `name`."""
    NUMBER = "number"
    NO_CALLS = "no_calls"
    ITSELF = "itself"
    NO_STEP = "no_step"
    """It comes after `name`, which is none."""
    CIRCLE = "circle"
    """The `keys` wait for one another."""
    CALLS = "calls"
    """`count` together where `most` are left."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `at`: which of the steps as they were given, None: all of the plan. `field`: of it."""

    words: str
    wrong: Wrong = Wrong.SHAPE
    at: int | None = None
    field: str = ""
    values: dict[str, Any] | None = None


class PlanRefused(AgentOpsError):
    """It cannot be carried out. The message names each step at fault and what is wrong with it."""

    def __init__(self, problems: Sequence[Fault | str]) -> None:
        self.faults = [Fault(one) if isinstance(one, str) else one for one in problems]
        words = [fault.words for fault in self.faults]
        more = f" And {len(words) - MOST_PROBLEMS} more." if len(words) > MOST_PROBLEMS else ""
        super().__init__(" ".join(words[:MOST_PROBLEMS]) + more)
