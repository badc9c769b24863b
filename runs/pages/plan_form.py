"""A plan as a form: a fieldset for each step, and buttons that add, take out and move steps. Nothing typed is lost.

The form is its own memory: what it holds comes back with every button, steps that were taken out included.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops import charts
from agentops.core.errors import InvalidInput
from agentops.engine.plan_faults import PlanRefused, Wrong
from agentops.engine.plans import MOST_STEPS
from agentops.tools.escape import visible

from . import plan, plan_words
from .tool_lines import ToolLine

MOST = MOST_STEPS + 20
"""Steps that a form shows, so that somebody can take some out; more are left to the JSON."""
FEW = 8
"""Other steps that are offered without unfolding."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Around:
    """What a plan in review must fit: the agent's tools, what is done already (key, title), how much there may be."""

    tools: list[ToolLine]
    done: list[tuple[str, str]]
    most_calls: int
    most_steps: int
    asked: list[Values]


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

    @property
    def title(self) -> str:
        return self.step["title"].strip() or _("a step without a title")

    @property
    def as_json(self) -> str:
        return json.dumps({"step": self.step, "at": self.at, "followers": self.followers}, ensure_ascii=False)


class PlanForm:
    """Implements `approvals.subjects.Form`: the plan's own rules are looked at when it is to be approved."""

    wrong = False

    def __init__(self, around: Around, steps: list[StepFields], removed: list[Removed]) -> None:
        self.around, self.steps, self.removed = around, steps, removed
        self.problems: list[str] = []
        self.put_back = -1
        """Which of the removed steps offers the next key its way back."""
        self._number()

    @classmethod
    def of(cls, around: Around, arguments: Values) -> PlanForm:
        """Raises InvalidInput when only JSON can hold them."""
        given = arguments.get("steps")
        if not isinstance(given, list) or set(arguments) - {"steps"}:
            raise InvalidInput(_("A plan is an object with nothing but a list of steps; only then can a form show it."))
        if len(given) > MOST:
            raise InvalidInput(
                _("A form shows at most %(most)s steps, and here are %(count)s. Take some out.")
                % {"most": MOST, "count": f"{len(given):,}"}
            )
        return cls(around, [_read(number, one, around) for number, one in enumerate(given, 1)], [])

    @classmethod
    def sent(cls, around: Around, typed: QueryDict) -> PlanForm:
        """As it came back, with its button pressed."""
        steps = []
        while (here := f"step.{len(steps)}") and f"{here}.key" in typed and len(steps) < MOST:
            key = typed[f"{here}.key"]
            steps.append(
                StepFields(
                    key,
                    typed.get(f"{here}.title", ""),
                    typed.get(f"{here}.instruction", "").replace("\r\n", "\n"),
                    typed.get(f"{here}.calls", ""),
                    typed.getlist(f"{here}.tools"),
                    typed.getlist(f"{here}.after"),
                    _asked(around, key),
                )
            )
        form = cls(around, steps, [one for text in typed.getlist("removed") if (one := _removed(text, around))])
        form._press(typed.get("to", ""))
        return form

    @property
    def arguments(self) -> Values:
        return {"steps": [step.value for step in self.steps]}

    @property
    def titles(self) -> dict[str, str]:
        return dict(self.around.done) | {step.key: step.title for step in self.steps}

    @property
    def total_calls(self) -> int:
        return sum(calls for step in self.steps if isinstance(calls := step.value["max_tool_calls"], int))

    @property
    def may_add(self) -> bool:
        return len(self.steps) < min(self.around.most_steps, MOST)

    @property
    def graph(self) -> SafeString:
        nodes = [charts.Node(key, title, "done", _("done"), ()) for key, title in self.around.done]
        nodes += [
            charts.Node(
                step.key, step.title or _("Step %(n)s") % {"n": step.number}, "pending",
                plan_words.calls(value) if isinstance(value := step.value["max_tool_calls"], int) else "", step.after,
            )
            for step in self.steps
        ]  # fmt: skip
        return plan.drawn(nodes, plan.title_of(nodes))

    def blame(self, refused: InvalidInput) -> bool:
        cause = refused.__cause__
        if not isinstance(cause, PlanRefused):
            return False
        titles = self.titles
        by_key = {step.key: step for step in self.steps}
        for fault in cause.faults:
            words = plan_words.said(fault, titles)
            if fault.wrong is Wrong.CIRCLE:
                places = [by_key[key] for key in dict.fromkeys((fault.values or {})["keys"]) if key in by_key]
            else:
                places = [self.steps[fault.at]] if fault.at is not None and fault.at < len(self.steps) else []
            for step in places:
                step.problems.setdefault(fault.field, []).append(words)
            if not places:
                self.problems.append(words)
        return True

    def _press(self, button: str) -> None:
        deed, _colon, place = button.partition(":")
        at = int(place) if place.isascii() and place.isdigit() and len(place) < 5 else -1
        if deed == "add":
            self.steps.append(StepFields(self._new_key(), focus="title"))
        elif deed == "remove" and 0 <= at < len(self.steps):
            self._remove(at)
        elif deed == "restore" and 0 <= at < len(self.removed):
            self._restore(at)
        elif deed in ("up", "down") and 0 <= at < len(self.steps):
            to = min(max(at + (1 if deed == "down" else -1), 0), len(self.steps) - 1)
            self.steps.insert(to, self.steps.pop(at))
            goes_on = 0 < to < len(self.steps) - 1
            self.steps[to].focus = deed if goes_on else "down" if to == 0 else "up"
        self._number()

    def _remove(self, at: int) -> None:
        """What came after it comes after what it came after: nothing begins earlier than it would have."""
        gone = self.steps.pop(at)
        followers = [step for step in self.steps if gone.key in step.after]
        for step in followers:
            step.after = list(dict.fromkeys(key for key in [*step.after, *gone.after] if key != gone.key))
            step.after = [key for key in step.after if key != step.key]
        self.removed.append(Removed(gone.value, at, [step.key for step in followers]))
        self.put_back = len(self.removed) - 1

    def _restore(self, number: int) -> None:
        back = self.removed.pop(number)
        key = back.step["key"]
        at = min(back.at, len(self.steps))
        self.steps.insert(at, _fields(back.step, self.around))
        for step in self.steps:
            if step.key in back.followers and key not in step.after:
                step.after.append(key)
        self.steps[at].focus = "title"

    def _new_key(self) -> str:
        """Nobody has to think of one."""
        taken = {step.key for step in self.steps} | {one.step["key"] for one in self.removed}
        taken |= {key for key, _title in self.around.done} | {one["key"] for one in self.around.asked}
        number = len(self.steps) + 1
        while f"step-{number}" in taken:
            number += 1
        return f"step-{number}"

    def _number(self) -> None:
        """What the agent asked and is not here was taken out, whoever did it; places and choices follow the order."""
        here = {step.key for step in self.steps} | {one.step["key"] for one in self.removed}
        for at, asked in enumerate(self.around.asked):
            if asked["key"] not in here:
                followers = [one["key"] for one in self.around.asked if asked["key"] in one["after"]]
                self.removed.append(Removed(_fields(asked, self.around).value, at, followers))
        titles = {one["key"]: one["title"] for one in self.around.asked} | self.titles
        for at, step in enumerate(self.steps):
            step.at, step.titles = at, titles
        for step in self.steps:
            step.tool_choices = self._tools(step)
            step.step_choices = self._befores(step)

    def _tools(self, step: StepFields) -> list[Choice]:
        known = [Choice(line.name, line.name, line.name in step.tools, tool=line) for line in self.around.tools]
        names = {line.name for line in self.around.tools}
        return known + [Choice(name, name, True, known=False) for name in step.tools if name not in names]

    def _befores(self, step: StepFields) -> list[Choice]:
        others = [other for other in self.steps if other is not step]
        done = [Choice(key, title, key in step.after) for key, title in self.around.done]
        steps = [Choice(one.key, one.title.strip(), one.key in step.after, one.number) for one in others]
        known = {choice.value for choice in [*done, *steps]}
        return done + steps + [Choice(key, key, True, known=False) for key in step.after if key not in known]


def _asked(around: Around, key: str) -> Values | None:
    return next((one for one in around.asked if one["key"] == key), None)


def _read(number: int, value: Any, around: Around) -> StepFields:
    """Raises InvalidInput when a form can not hold it."""
    if not is_step(value):
        raise InvalidInput(
            _(
                "Step %(n)s is not made as a form can show it: a step has a key, a title, an instruction (texts), "
                "tools, after (lists of names) and max_tool_calls (a number)."
            )
            % {"n": number}
        )
    return _fields(value, around)


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


def _fields(value: Values, around: Around) -> StepFields:
    return StepFields(
        value["key"],
        value.get("title", ""),
        value.get("instruction", ""),
        str(value.get("max_tool_calls", 0)),
        list(value.get("tools") or []),
        list(value.get("after") or []),
        _asked(around, value["key"]),
    )


def _removed(text: str, around: Around) -> Removed | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not is_step(value.get("step")) or not isinstance(value.get("at"), int):
        return None
    followers = value.get("followers")
    if value["at"] < 0 or not _is_names(followers):
        return None
    return Removed(_fields(value["step"], around).value, value["at"], followers)


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
