"""What a plan must be to be carried out: whoever wrote it, it is taken whole or refused with every reason at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from agentops.core.storable import storable

from .plan_faults import MOST_PROBLEMS, Fault, PlanRefused, Wrong
from .plans import LONGEST_INSTRUCTION, LONGEST_TITLE, PlannedStep, Room

_KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")
_FIELDS = {"key", "title", "instruction", "tools", "after", "max_tool_calls"}


def check(value: Any, room: Room) -> list[PlannedStep]:
    """The steps, in the order given. Raises PlanRefused with everything that is wrong with them."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        raise PlanRefused(['A plan is an object with a list: {"steps": […]}.'])
    if strange := sorted(map(str, set(value) - {"steps"})):
        raise PlanRefused([f"A plan has nothing but steps; leave out {_named(strange)}."])
    given = value["steps"]
    if not given and not room.done:
        raise PlanRefused([Fault("The plan has no step; write at least one.", Wrong.NO_STEPS)])
    if len(given) > room.most_steps:
        words = f"The plan has {len(given)} steps; at most {room.most_steps} are allowed."
        raise PlanRefused([Fault(words, Wrong.STEPS, values={"count": len(given), "most": room.most_steps})])
    problems: list[Fault] = []
    steps = [_step(at, one, room, problems) for at, one in enumerate(given)]
    # A step that an earlier plan has done keeps that result.
    found = {at: step for at, step in enumerate(steps) if step is not None and step.key not in room.done}
    if not problems:
        problems += _of_keys(found, room)
    if not problems:
        problems += _circles(list(found.values())) + _over_budget(list(found.values()), room)
    if problems:
        raise PlanRefused(problems)
    return list(found.values())


def _step(at: int, value: Any, room: Room, problems: list[Fault]) -> PlannedStep | None:
    if not isinstance(value, dict):
        problems.append(Fault(f"Step {at + 1} is not an object.", at=at))
        return None
    key = value.get("key")
    if not isinstance(key, str) or not _KEY.match(key):
        words = f"Step {at + 1}: its key must be 1 to 40 letters, digits, “-”, “_” or “.”."
        problems.append(Fault(words, Wrong.KEY, at, "key"))
        return None
    where = f"Step “{key}”"
    mine: list[Fault] = []
    if strange := sorted(str(name)[:40] for name in set(value) - _FIELDS):
        mine.append(Fault(f"{where} has fields that no step has: {_named(strange)}.", at=at))
    title = _text(where, at, "title", value.get("title"), LONGEST_TITLE, mine)
    instruction = _text(where, at, "instruction", value.get("instruction"), LONGEST_INSTRUCTION, mine)
    tools = _names(where, at, "tools", value.get("tools"), mine)
    after = _names(where, at, "after", value.get("after"), mine)
    calls = value.get("max_tool_calls", 0)
    if isinstance(calls, bool) or not isinstance(calls, int) or calls < 0:
        words = f"{where}: max_tool_calls must be a whole number, 0 or more."
        mine.append(Fault(words, Wrong.NUMBER, at, "max_tool_calls"))
        calls = 0
    for tool in tools:
        if tool not in room.tools:
            near = get_close_matches(tool, room.tools, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            words = f"{where}: there is no tool “{tool[:80]}”.{meant}"
            mine.append(Fault(words, Wrong.TOOL, at, "tools", {"name": tool[:80]}))
    if not mine and tools and calls == 0:
        words = f"{where} has tools but 0 tool calls: say how many it may make, or give it no tools."
        mine.append(Fault(words, Wrong.NO_CALLS, at, "max_tool_calls"))
    problems += mine
    return PlannedStep(key, title, instruction, tools, after, calls)


def _text(where: str, at: int, field: str, value: Any, most: int, problems: list[Fault]) -> str:
    if not isinstance(value, str) or not value.strip():
        problems.append(Fault(f"{where} has no {field}.", Wrong.EMPTY, at, field))
        return ""
    if len(value) > most:
        words = f"{where}: its {field} has {len(value):,} characters; at most {most:,} are allowed."
        problems.append(Fault(words, Wrong.LONG, at, field, {"count": len(value), "most": most}))
    return str(storable(value.strip()))


def _names(where: str, at: int, field: str, value: Any, problems: list[Fault]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problems.append(Fault(f"{where}: {field} must be a list of names.", at=at, field=field))
        return ()
    return tuple(dict.fromkeys(value))


def _of_keys(steps: Mapping[int, PlannedStep], room: Room) -> list[Fault]:
    """`steps`: by their place in what was given."""
    keys = [step.key for step in steps.values()]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        return [
            Fault(f"There are several steps “{key}”; give each a key of its own.", Wrong.TWICE, at, "key")
            for key in twice
            for at in [max(at for at, step in steps.items() if step.key == key)]
        ]
    known, problems = {*keys, *room.done}, []
    for at, step in steps.items():
        if step.key in step.after:
            problems.append(Fault(f"Step “{step.key}” comes after itself.", Wrong.ITSELF, at, "after"))
        for missing in sorted(set(step.after) - known):
            words = f"Step “{step.key}” comes after “{missing[:40]}”, which is no step."
            problems.append(Fault(words, Wrong.NO_STEP, at, "after", {"name": missing[:40]}))
    return problems


def _circles(steps: list[PlannedStep]) -> list[Fault]:
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
    words = f"Steps wait for one another in a circle: {' → '.join(f'“{key}”' for key in circle)}."
    return [Fault(words, Wrong.CIRCLE, field="after", values={"keys": circle})]


def _over_budget(steps: list[PlannedStep], room: Room) -> list[Fault]:
    total = sum(step.max_tool_calls for step in steps)
    if total <= room.most_calls:
        return []
    largest = max(steps, key=lambda step: step.max_tool_calls)
    words = (
        f"The steps may make {total:,} tool calls together; {max(room.most_calls, 0):,} are left. The most are "
        f"step “{largest.key}”'s ({largest.max_tool_calls:,})."
    )
    return [Fault(words, Wrong.CALLS, values={"count": total, "most": max(room.most_calls, 0)})]


def _named(names: list[str]) -> str:
    return ", ".join(f"“{name[:40]}”" for name in names[:MOST_PROBLEMS])
