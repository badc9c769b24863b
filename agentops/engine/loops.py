"""Sees a run turn in circles: by canonical arguments and results of its calls, whatever the model says about them.

Three signs: the same call with the same result again and again; a cycle of two to four calls; and a stretch in which
every call had been made before with the same result. Only what happened since the last notice counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from agentops.core.messages import Block, Message

REPEATS = 3
"""The same call with the same result so often in a row, or a cycle so often, is a loop."""
LONGEST_CYCLE = 4
LOOK_BACK = 100
"""Messages that count: a longer run's steps must not cost more."""
NO_PROGRESS = 8
"""So many calls in a row that had all been made before with the same result."""


_REFERENCE = re.compile(r'\\?"ref\\?": ?\\?"[^"\\]*\\?"')


@dataclass(frozen=True, slots=True)
class Trace:
    """One call and its result."""

    tool: str
    key: Key
    failed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """Equal for equal arguments with equal results. Compared when it must be: digests of all would cost every step."""

    tool: str
    arguments: object
    result: object

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Key)
            and (self.tool, self.arguments) == (other.tool, other.arguments)
            and _without_reference(self.result) == _without_reference(other.result)
        )

    __hash__ = None  # type: ignore[assignment] # arguments are no more hashable than other JSON


def traces(messages: list[Message]) -> list[Trace]:
    """Every answered call of the conversation, in order. Not every server gives each call an id of its own."""
    found = []
    for message, reply in pairwise(messages):
        results: dict[str, Block] = {b["tool_use_id"]: b for b in reply["content"] if b.get("type") == "tool_result"}
        for block in message["content"]:
            if block.get("type") == "tool_use" and (result := results.get(block["id"])):
                key = Key(block["name"], block.get("input"), result.get("content"))
                found.append(Trace(block["name"], key, bool(result.get("is_error"))))
    return found


def _without_reference(content: object) -> object:
    """Each result names itself by another reference, however equal they are."""
    return _REFERENCE.sub("", content) if isinstance(content, str) else content


def found_in(calls: list[Trace]) -> str:
    """What kind of circle the last calls make, in words that follow "You"; "" when they make none."""
    if not calls or calls[-1] not in calls[:-1]:
        return ""
    for length in range(1, LONGEST_CYCLE + 1):
        if _repeats(calls, length):
            names = " and ".join(dict.fromkeys(call.tool for call in calls[-length:]))
            if length == 1:
                return f"called {names} {REPEATS} times with the same arguments and got the same result each time"
            return f"went round the same {length} calls ({names}) {REPEATS} times with the same results"
    latest = range(len(calls) - NO_PROGRESS, len(calls))
    if len(calls) > NO_PROGRESS and all(calls[at] in calls[:at] for at in latest):
        return f"made {NO_PROGRESS} calls in a row that you had made before, and learned nothing new"
    return ""


def _repeats(calls: list[Trace], length: int) -> bool:
    tail = calls[-length * REPEATS :]
    return len(tail) == length * REPEATS and all(tail[at] == tail[at - length] for at in range(length, len(tail)))
