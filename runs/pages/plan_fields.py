"""A step of a plan as fields of a form: what somebody typed, beside what the agent asked. And a step taken out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from agentops.tools.escape import visible

from .tool_lines import ToolLine

FEW = 8
"""Other steps that are offered without unfolding."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    title: str
    on: bool
    number: int = 0
    tool: ToolLine | None = None
    known: bool = True


@dataclass
class StepFields:
    """One step; `at` is its place, from 0."""

    key: str
    title: str = ""
    instruction: str = ""
    calls: str = "0"
    tools: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    asked: Values | None = None
    """As the agent asked it; None: a person added it."""
    at: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)
    tool_choices: list[Choice] = field(default_factory=list)
    step_choices: list[Choice] = field(default_factory=list)
    focus: str = ""
    """What of it wants the next key: its title, or one of its buttons."""
    titles: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Values, asked: list[Values]) -> StepFields:
        """`value`: made as a step; `asked`: every step as the agent asked it."""
        return cls(
            value["key"],
            value.get("title", ""),
            value.get("instruction", ""),
            str(value.get("max_tool_calls", 0)),
            list(value.get("tools") or []),
            list(value.get("after") or []),
            named(value["key"], asked),
        )

    @property
    def number(self) -> int:
        return self.at + 1

    @property
    def value(self) -> Values:
        """What was left alone is as it was asked, to the bit."""
        asked = self.asked or {}
        whole = self.calls.strip()
        return {
            "key": self.key,
            "title": _kept(asked.get("title"), self.title, ""),
            "instruction": _kept(asked.get("instruction"), self.instruction, "\n"),
            "tools": _ordered(self.tools, asked.get("tools")),
            "after": _ordered(self.after, asked.get("after")),
            "max_tool_calls": int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 10 else self.calls,
        }

    @property
    def title_hides(self) -> bool:
        return visible(self.title) != self.title

    @property
    def instruction_hides(self) -> bool:
        return visible(self.instruction, multiline=True) != self.instruction

    @property
    def rows(self) -> int:
        return min(10, max(3, self.instruction.count("\n") + 1, len(self.instruction) // 80))

    @property
    def changed(self) -> dict[str, bool]:
        asked, value = self.asked or {}, self.value
        return {name: value[name] != asked.get(name) for name in value if self.asked}

    @property
    def asked_tools(self) -> str:
        """As the browser compares them."""
        return ", ".join(sorted((self.asked or {}).get("tools") or []))

    @property
    def asked_after(self) -> str:
        return ", ".join(sorted((self.asked or {}).get("after") or []))

    @property
    def asked_after_titles(self) -> str:
        return ", ".join(self.titles.get(key) or key for key in (self.asked or {}).get("after") or [])

    @property
    def after_titles(self) -> list[str]:
        return [choice.title or _("Step %(n)s") % {"n": choice.number} for choice in self.step_choices if choice.on]

    @property
    def folds(self) -> bool:
        """There is much to choose from, and nothing wrong with what is chosen."""
        return len(self.step_choices) > FEW and "after" not in self.problems


@dataclass(frozen=True, slots=True)
class Removed:
    """A step that was taken out, where it stood, and the keys of the steps that came after it."""

    step: Values
    at: int
    followers: list[str]

    @classmethod
    def read(cls, text: str, asked: list[Values]) -> Removed | None:
        """What `as_json` wrote; of anything else, None."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or not is_step(value.get("step")) or not isinstance(value.get("at"), int):
            return None
        followers = value.get("followers")
        if value["at"] < 0 or not _is_names(followers):
            return None
        return cls(StepFields.of(value["step"], asked).value, value["at"], followers)

    @property
    def title(self) -> str:
        return self.step["title"].strip() or _("a step without a title")

    @property
    def as_json(self) -> str:
        return json.dumps({"step": self.step, "at": self.at, "followers": self.followers}, ensure_ascii=False)


def named(key: str, asked: list[Values]) -> Values | None:
    return next((one for one in asked if one["key"] == key), None)


def is_step(value: Any) -> bool:
    """Whether it is made as one, whatever it says."""
    if not isinstance(value, dict) or set(value) - {"key", "title", "instruction", "tools", "after", "max_tool_calls"}:
        return False
    calls = value.get("max_tool_calls", 0)
    return (
        isinstance(value.get("key"), str)
        and all(isinstance(value.get(name, ""), str) for name in ("title", "instruction"))
        and all(_is_names(value.get(name) or []) for name in ("tools", "after"))
        and isinstance(calls, int | str)
        and not isinstance(calls, bool)
    )


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _kept(asked: Any, typed: str, line_end: str) -> str:
    """A control turns line ends into its own."""
    if isinstance(asked, str) and _lines(asked, line_end) == _lines(typed, line_end):
        return asked
    return typed


def _lines(text: str, end: str) -> str:
    return text.replace("\r\n", end).replace("\r", end).replace("\n", end)


def _ordered(chosen: Sequence[str], asked: Any) -> list[str]:
    """In the order of what was asked: another order is no change."""
    order = asked if isinstance(asked, list) else []
    unique = dict.fromkeys(chosen)
    return [name for name in order if name in unique] + [name for name in unique if name not in order]
