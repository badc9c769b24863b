"""What each run does and what people do to it: all drawn from the seed and the run's number, whenever it happens."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TURNS = 10
MODEL = "sim-faults"
TOOLS = ["look", "pay", "register", "publish", "wire", "fax", "erase", "ask_human"]
EFFECTS = ["pay", "register", "publish", "wire", "fax", "erase"]

RULES = [
    {"name": "Publish soon", "tool": "publish", "tier": "medium", "timer_seconds": 2, "on_deadline": ""},
    {"name": "Fax in time", "tool": "fax", "tier": "high", "timer_seconds": 3, "on_deadline": "expire"},
]
"""The team's policy, besides the tools' own tiers."""

TURN_KINDS = {
    ("look",): 3,
    ("pay",): 4,
    ("register",): 3,
    ("pay", "register", "look"): 2,
    ("pay", "pay"): 1,
    ("publish",): 2,
    ("wire",): 2,
    ("publish", "wire"): 1,
    ("fax",): 1,
    ("erase",): 0.5,
    ("ask_human",): 1,
    ("ask_human", "pay"): 0.5,
}
MODEL_FAULTS = ["529", "429", "drop", "cut", "malformed"]

WAYS = {
    "publish": {"leave": 5, "approve": 2, "reject": 2, "hold": 1, "edit": 1},
    "wire": {"approve": 4, "reject": 2, "edit": 1, "take_back": 3, "answer": 1},
    "fax": {"approve": 2, "reject": 1, "leave": 2},
    "erase": {"done": 2, "reject": 1},
    "ask_human": {"answer": 5, "reject": 1},
}
"""How the person who meets a request of a tool treats it: by weight."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What people do to one run besides deciding; a step's number, or None for never."""

    cancel_at: int | None
    pause_at: int | None
    speak_at: int | None
    repeats: int
    """How often its start is asked for under one key."""
    by_webhook: bool
    """It is started by a delivery in place of a request."""


class Workload:
    def __init__(self, seed: int, runs: int) -> None:
        self.seed = seed
        self.runs = range(1, runs + 1)

    def key(self, number: int) -> str:
        return f"faults-{self.seed}-{number}"

    def goal(self, number: int) -> str:
        random_ = self._random("script", number)
        turns = [_turn(random_, f"{number}.{turn}") for turn in range(1, TURNS + 1)]
        return f"Run {number} of seed {self.seed}. ```sim {json.dumps({'turns': turns})}```"

    def number(self, goal: str) -> int:
        return int(goal.split()[1])

    def asked_for(self, number: int) -> list[str]:
        """What its calls are about, in their order."""
        turns = json.loads(self.goal(number).split("```sim ")[1].removesuffix("```"))["turns"]
        return [about(use["input"]) for turn in turns for use in turn["tools"]]

    def fate(self, number: int) -> Fate:
        random_ = self._random("fate", number)

        def at(share: float) -> int | None:
            return random_.randint(0, TURNS - 1) if random_.random() < share else None

        return Fate(at(0.08), at(0.15), at(0.1), random_.choice([1, 1, 2, 3]), random_.random() < 0.15)

    def way(self, tool: str, what: str) -> str:
        """What the person does about a call of the tool that is about this."""
        ways = WAYS[tool]
        return self._random("way", what).choices(list(ways), list(ways.values()))[0]

    def then(self, what: str) -> str:
        """What they decide at the second look, after a hold or a take-back."""
        return self._random("then", what).choice(["approve", "approve", "reject"])

    def doubt(self, what: str) -> str:
        """What they say of a call that did not happen."""
        return self._random("doubt", what).choice(["did_not_happen", "do_it_now"])

    def _random(self, *about: object) -> random.Random:
        return random.Random(" ".join(map(str, (self.seed, *about))))


def about(arguments: dict[str, Any]) -> str:
    """What a call is about: unlike any other call's."""
    return str(arguments.get("what") or arguments["question"]).removesuffix(" (edited)")


def _turn(random_: random.Random, prefix: str) -> dict[str, Any]:
    tools = random_.choices(list(TURN_KINDS), list(TURN_KINDS.values()))[0]
    turn: dict[str, Any] = {
        "text": f"Step {prefix}. " + "x" * random_.randint(20, 400),
        "tools": list(_uses(random_, tools, prefix)),
        "delay_ms": random_.choice([0, 5, 20]),
        "deltas": random_.randint(1, 10),
    }
    if random_.random() < 0.05:
        turn["fault"] = {"kind": random_.choice(MODEL_FAULTS), "attempts": 1, "retry_after": 0.1}
    return turn


def _uses(random_: random.Random, tools: tuple[str, ...], prefix: str) -> Iterator[dict[str, Any]]:
    for position, tool in enumerate(tools):
        what = f"thing {prefix}.{position}"
        if tool == "look":
            yield {"name": tool, "input": {"what": what}}
        elif tool == "ask_human":
            yield {"name": tool, "input": {"question": what}}
        else:
            slow = random_.random() < 0.6
            before, after = (round(random_.uniform(0, 1.0), 3) for _ in range(2)) if slow else (0.0, 0.0)
            yield {"name": tool, "input": {"what": what, "before": before, "after": after}}
