"""What each run does and what people do to it: all drawn from the seed and the run's name, whenever it happens.

A run is named by its number; one below it by that and what it is for (`7/3.0`: handed over by the first call of the
third turn; `7/a`: step a of the plan); one that came from it later by a word and its name (`fork 7`, `undo 7/a`).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

TURNS = 10
PLANS = 5
MODEL = "sim-faults"
LONG_MODEL = "sim-faults-long"
"""For agents whose answers hold what other runs are to do; a word of it costs less, as there are more."""
TOOLS = ["look", "pay", "register", "publish", "wire", "fax", "erase", "ask_human"]
BACK = {"pay": "refund", "register": "unregister", "publish": "retract"}
"""Tools that can be taken back, and by what."""
EFFECTS = ["pay", "register", "publish", "wire", "fax", "erase", *BACK.values()]

RULES = [
    {"name": "Publish soon", "tool": "publish", "tier": "medium", "timer_seconds": 2, "on_deadline": ""},
    {"name": "Retract soon", "tool": "retract", "tier": "medium", "timer_seconds": 2, "on_deadline": ""},
    {"name": "Fax in time", "tool": "fax", "tier": "high", "timer_seconds": 3, "on_deadline": "expire"},
]
"""The team's policy, besides the tools' own tiers."""

ROLES = {"single": 66, "parent": 18, "planner": 11, "reviewed": 5}
"""What the agent of a run does, by weight: alone, with others' help, by a plan, by one that a person has seen."""

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
HANDING_OVER = [("delegate",), ("delegate", "delegate"), ("delegate", "pay"), ("delegate", "delegate", "delegate")]
MODEL_FAULTS = ["529", "429", "drop", "cut", "malformed"]

WAYS = {
    "publish": {"leave": 5, "approve": 2, "reject": 2, "hold": 1, "edit": 1},
    "retract": {"leave": 3, "approve": 2, "reject": 1},
    "wire": {"approve": 4, "reject": 2, "edit": 1, "take_back": 3, "answer": 1},
    "fax": {"approve": 2, "reject": 1, "leave": 2},
    "erase": {"done": 2, "reject": 1},
    "ask_human": {"answer": 5, "reject": 1},
    "plan": {"approve": 4, "take_back": 2, "reject": 2, "edit": 2},
}
"""How the person who meets a request of a tool treats it: by weight."""

SCRIPT = re.compile(r"```sim (.*?)```", re.DOTALL)
NAME = re.compile(r"Run (\S+) of seed")
BROKEN = {"kind": "400", "attempts": 99}
"""A model call that can only fail: the run ends with its first turn."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What people do to one run besides deciding; a step's number, or None for never."""

    cancel_at: int | None
    pause_at: int | None
    speak_at: int | None
    fork_at: int | None
    take_back_at: int | None
    """One of its calls is taken back by itself, when it has come so far."""
    undone: bool
    """It is rolled back when it has ended."""
    repeats: int
    """How often its start (or its fork, or its undoing) is asked for under one key."""
    rivals: int
    """How many people ask for its undoing, each under a key of their own."""
    by_webhook: bool
    """It is started by a delivery in place of a request."""


class Workload:
    def __init__(self, seed: int, runs: int) -> None:
        self.seed = seed
        self.runs = range(1, runs + 1)
        self.fate = lru_cache(maxsize=None)(self._fate)

    def key(self, name: str) -> str:
        return f"faults-{self.seed}-{name.replace(' ', '-')}"

    # ── what runs do ───────────────────────────────────────────────────────────────────────────

    def role(self, number: int) -> str:
        """The first runs are one of each."""
        if number <= len(ROLES):
            return list(ROLES)[number - 1]
        return self._random("role", number).choices(list(ROLES), list(ROLES.values()))[0]

    def goal(self, number: int) -> str:
        random_, role, name = self._random("script", number), self.role(number), str(number)
        if role in ("planner", "reviewed"):
            return self._goal(name, [{"text": self._plan(name, again)} for again in range(PLANS)])
        if role == "parent":
            kinds = [*random_.choices(HANDING_OVER, k=2), *_turn_kinds(random_, 4)]
            random_.shuffle(kinds)
            return self._goal(name, [self._turn(random_, name, at, kind) for at, kind in enumerate(kinds, 1)])
        return self._goal(name, self._turns(random_, name, TURNS))

    def _goal(self, name: str, turns: list[dict[str, Any]]) -> str:
        return f"Run {name} of seed {self.seed}. ```sim {_inside(turns)}```"

    def _turns(self, random_: random.Random, name: str, count: int) -> list[dict[str, Any]]:
        return [self._turn(random_, name, at, kind) for at, kind in enumerate(_turn_kinds(random_, count), 1)]

    def _turn(self, random_: random.Random, name: str, at: int, tools: tuple[str, ...]) -> dict[str, Any]:
        turn: dict[str, Any] = {
            "text": f"Step {name}.{at}. " + "x" * random_.randint(20, 400),
            "tools": list(self._uses(random_, tools, f"{name}.{at}")),
            "delay_ms": random_.choice([0, 5, 20]),
            "deltas": random_.randint(1, 10),
        }
        if random_.random() < 0.05:
            turn["fault"] = {"kind": random_.choice(MODEL_FAULTS), "attempts": 1, "retry_after": 0.1}
        return turn

    def _uses(self, random_: random.Random, tools: tuple[str, ...], prefix: str) -> Iterator[dict[str, Any]]:
        for position, tool in enumerate(tools):
            what = f"thing {prefix}.{position}"
            if tool == "look":
                yield {"name": tool, "input": {"what": what}}
            elif tool == "ask_human":
                yield {"name": tool, "input": {"question": what}}
            elif tool == "delegate":
                yield {"name": tool, "input": self._task(random_, prefix.replace(".", "/", 1) + f".{position}")}
            else:
                slow = random_.random() < 0.6
                before, after = (round(random_.uniform(0, 1.0), 3) for _ in range(2)) if slow else (0.0, 0.0)
                yield {"name": tool, "input": {"what": what, "before": before, "after": after}}

    def _task(self, random_: random.Random, name: str) -> dict[str, Any]:
        """What is handed to another agent: with what it needs, with too little, with most of what there is, or more."""
        task = {"agent": WORKER, "goal": self._child_goal(random_, name)}
        share = random_.random()
        if share < 0.15:
            task["max_cost_usd"] = round(random_.uniform(0.014, 0.03), 4)
        elif share < 0.4:
            task["max_cost_usd"] = float(MOST_A_RUN) * 0.6
        elif share < 0.45:
            task["max_cost_usd"] = float(MOST_A_RUN) * 200
        return task

    def _child_goal(self, random_: random.Random, name: str, broken: float = 0.06) -> str:
        turns = self._turns(random_, name, random_.randint(1, 3))
        if random_.random() < broken:
            turns[0]["fault"] = BROKEN
        return self._goal(name, turns)

    def _plan(self, name: str, again: int) -> str:
        """Two to five steps, some side by side; what is planned again begins anew, with other names."""
        random_ = self._random("plan", name, again)
        keys = [f"{letter}{again or ''}" for letter in "abcde"[: random_.randint(2, 5)]]
        steps = []
        for index, key in enumerate(keys):
            goal = self._child_goal(random_, f"{name}/{key}", 0.15 if not again else 0.06)
            calls = calls_of(goal)
            steps.append(
                {
                    "key": key,
                    "title": f"Part {key}",
                    "instruction": goal,
                    "tools": sorted({tool for tool, _ in calls}),
                    "after": sorted(random_.sample(keys[:index], min(index, random_.choice([0, 1, 1, 2])))),
                    "max_tool_calls": len(calls),
                }
            )
        return json.dumps({"steps": steps}).replace("`", r"\u0060")

    # ── what people do ─────────────────────────────────────────────────────────────────────────

    def _fate(self, name: str) -> Fate:
        random_ = self._random("fate", name)

        def at(share: float, first: int = 0) -> int | None:
            return random_.randint(first, TURNS - 1) if random_.random() < share else None

        top, alone = name.isdecimal(), " " not in name
        return Fate(
            cancel_at=at(0.08),
            pause_at=at(0.15),
            speak_at=at(0.1) if alone else None,
            fork_at=at(0.06, 1) if top and self.role(int(name)) == "single" else None,
            take_back_at=at(0.06, 2) if alone else None,
            undone=random_.random() < 0.12 and alone,
            repeats=random_.choice([1, 1, 2, 3]),
            rivals=random_.choice([1, 1, 2]),
            by_webhook=random_.random() < 0.15,
        )

    def way(self, tool: str, what: str) -> str:
        """What the person does about a call of the tool that is about this. Who has turned down three plans of a run
        takes the next: its script has no more than `PLANS`."""
        if tool == "plan" and what[-1] in "3456789":
            return "approve"
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


MOST_A_RUN = Decimal(5)
"""USD that a run may cost, with all that it hands over."""
AGENT = "faults-{role}"
WORKER = AGENT.format(role="worker")


def name_of(goal: str) -> str:
    """Of whom a goal speaks first: of the run itself, or of the one that it takes back."""
    found = NAME.search(goal)
    return found[1] if found else ""


def turns_of(goal: str) -> list[dict[str, Any]]:
    """A run's script; a model that was given more than one follows the first."""
    found = SCRIPT.search(goal)
    return list(json.loads(found[1])["turns"]) if found else []


def calls_of(goal: str) -> list[tuple[str, str]]:
    """The tools that its script asks for, and what each call is about, in their order."""
    return [(use["name"], about(use["input"])) for turn in turns_of(goal) for use in turn.get("tools", ())]


def is_broken(goal: str) -> bool:
    return any(turn.get("fault") == BROKEN for turn in turns_of(goal))


def about(arguments: dict[str, Any]) -> str:
    """What a call is about: unlike any other call's."""
    if "goal" in arguments:
        return f"run {name_of(arguments['goal'])}"
    if "steps" in arguments:
        return f"plan {name_of(arguments['steps'][0]['instruction'])}"
    return str(arguments.get("what") or arguments["question"]).removesuffix(" (edited)")


def _turn_kinds(random_: random.Random, count: int) -> list[tuple[str, ...]]:
    return random_.choices(list(TURN_KINDS), list(TURN_KINDS.values()), k=count)


def _inside(turns: list[dict[str, Any]]) -> str:
    """As JSON in which no script ends before its end, whatever scripts are in it."""
    return json.dumps({"turns": turns}).replace("`", r"\u0060")
