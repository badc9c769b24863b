"""A plan as a form: a fieldset for each step, and buttons that add, take out and move steps. Nothing typed is lost.

The form is its own memory: what it holds comes back with every button, steps that were taken out included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput
from agentops.engine.plan_faults import PlanRefused, Wrong
from agentops.engine.plans import MOST_STEPS

from . import plan_graph, plan_words
from .plan_fields import Choice, Removed, StepFields, Values, is_step, named
from .tool_lines import ToolLine

MOST = MOST_STEPS + 20
"""Steps that a form shows, so that somebody can take some out; more are left to the JSON."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a plan in review must fit: the agent's tools, what is done already (key, title), how much there may be."""

    tools: list[ToolLine]
    done: list[tuple[str, str]]
    most_calls: int
    most_steps: int
    asked: list[Values]


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
                    named(key, around.asked),
                )
            )
        gone = [one for text in typed.getlist("removed") if (one := Removed.read(text, around.asked))]
        form = cls(around, steps, gone)
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
        """Without its calls where what was typed is no number."""
        rows = [
            {**step.value, "title": step.title or _("Step %(n)s") % {"n": step.number}, "after": step.after}
            for step in self.steps
        ]
        return plan_graph.asked(self.around.done, rows)

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
        self.steps.insert(at, StepFields.of(back.step, self.around.asked))
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
                self.removed.append(Removed(StepFields.of(asked, self.around.asked).value, at, followers))
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
    return StepFields.of(value, around.asked)
