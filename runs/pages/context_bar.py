"""A run's context: what the last request held, part by part, beside what it may hold, and how it grew and dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agentops.context.window import DEFAULT_BUDGET
from agentops.core.context import Parts
from agentops.gateway.windows import context_window
from agentops.templatetags.console import compact
from runs import charts
from runs.models import Run, Step

LATEST = 300
"""Steps that the line goes back."""
NAMES = {
    "system": gettext_lazy("System prompt"),
    "tools": gettext_lazy("Tools"),
    "history": gettext_lazy("Conversation"),
    "facts": gettext_lazy("Goal, deeds and facts"),
    "headroom": gettext_lazy("Kept free for the answer"),
}
HIGH = 12
"""Pixels of the bar."""


@dataclass(frozen=True, slots=True)
class Part:
    key: str
    name: str
    tokens: int

    @property
    def swatch(self) -> SafeString:
        return format_html(
            '<svg class="context-swatch" width="12" height="12" aria-hidden="true">{}</svg>', _fill(self.key, 0, 100)
        )


@dataclass(frozen=True, slots=True)
class Context:
    """`parts` is empty for a run of before its parts were counted."""

    tokens: int
    budget: int
    line: int
    parts: list[Part]
    exact: bool
    step: int
    history: SafeString
    told: str
    """The history in words."""

    @property
    def percent(self) -> int:
        return round(100 * self.tokens / self.budget) if self.budget else 0

    @property
    def level(self) -> str:
        share = self.tokens / self.budget if self.budget else 0.0
        return "full" if share >= 0.95 else "near" if share >= 0.8 else ""

    @property
    def bar(self) -> SafeString:
        """Each part as wide as its share, with a pattern of its own; the list below says the same in words."""
        drawn, at = [], 0.0
        for part in self.parts:
            width = 100 * part.tokens / self.budget if self.budget else 0.0
            # What is kept free stands at the end, where the answer would come to.
            drawn.append((_fill(part.key, 100 - width if part.key == "headroom" else at, width),))
            at += width
        return format_html(
            '<svg class="context-bar" width="100%" height="{0}" aria-hidden="true">{1}'
            '<rect class="context-ground" width="100%" height="{0}"/>{2}'
            '<line class="context-line" x1="{3}%" x2="{3}%" y1="0" y2="{0}"/></svg>',
            HIGH,
            _PATTERNS,
            format_html_join("", "{}", drawn),
            f"{100 * self.line / self.budget if self.budget else 100:.2f}",
        )


_PATTERNS = format_html_join(
    "",
    '<pattern id="context-{}" width="6" height="6" patternUnits="userSpaceOnUse"><path class="context-{}" d="{}"/>'
    "</pattern>",
    (
        ("tools", "tools", "M-1 1l2-2M0 6l6-6M5 7l2-2"),
        ("facts", "facts", "M3 2.9v.2"),
        ("headroom", "headroom", "M0 3h6"),
    ),
)
_PATTERNED = ("tools", "facts", "headroom")


def _fill(key: str, at: float, width: float) -> SafeString:
    frame = format_html(
        '<rect class="context-part context-{}-ground" x="{}%" width="{}%" height="{}"/>',
        key,
        f"{at:.2f}",
        f"{width:.2f}",
        HIGH,
    )
    if key not in _PATTERNED:
        return frame
    over = format_html(
        '<rect x="{}%" width="{}%" height="{}" fill="url(#context-{})"/>', f"{at:.2f}", f"{width:.2f}", HIGH, key
    )
    return frame + over


def of(run: Run) -> Context | None:
    """None before the first request. One query."""
    kinds = (Step.Kind.TURN, Step.Kind.PLAN, Step.Kind.COMPACTION)
    columns = ("number", "kind", "status", "context", "details", "input_tokens", "model")
    steps = list(run.step_set.filter(kind__in=kinds).order_by("-number").values(*columns)[:LATEST])[::-1]
    asked = [step for step in steps if step["kind"] != Step.Kind.COMPACTION]
    counted = [step for step in asked if step["context"]]
    if not counted:
        return _before_parts([step for step in asked if step["status"] == Step.Status.ANSWERED])
    last = counted[-1]
    parts = Parts(**last["context"])
    return Context(
        tokens=parts.used,
        budget=parts.budget,
        line=parts.line,
        parts=[Part(key, str(name), getattr(parts, key)) for key, name in NAMES.items()],
        exact=parts.exact,
        step=last["number"],
        history=_history(steps, parts.line),
        told=_told(steps),
    )


def _before_parts(answered: list[dict[str, Any]]) -> Context | None:
    if not answered:
        return None
    last = answered[-1]
    budget = context_window(last["model"]) or DEFAULT_BUDGET
    return Context(last["input_tokens"], budget, budget, [], True, last["number"], SafeString(), "")


def _sizes(steps: Iterable[dict[str, Any]]) -> list[int]:
    """Of each request; and before a shortening, what the request would have been."""
    sizes = []
    for step in steps:
        if step["kind"] == Step.Kind.COMPACTION:
            if step["details"]:
                sizes.append(step["details"]["before"])
        elif step["context"]:
            sizes.append(Parts(**step["context"]).used)
    return sizes


def _history(steps: list[dict[str, Any]], line: int) -> SafeString:
    sizes = _sizes(steps)
    return charts.sparkline(sizes, _told(steps), line) if len(sizes) > 1 else SafeString()


def _told(steps: list[dict[str, Any]]) -> str:
    sizes = _sizes(steps)
    shortened = [step for step in steps if step["kind"] == Step.Kind.COMPACTION and step["details"]]
    words = _("Step by step it held %(least)s to %(most)s tokens.") % {
        "least": compact(min(sizes)),
        "most": compact(max(sizes)),
    }
    if not shortened:
        return words
    last = shortened[-1]
    times = ngettext("It was shortened once", "It was shortened %(n)s times", len(shortened)) % {"n": len(shortened)}
    latest = _("last in step %(step)s from %(before)s to %(after)s.") % {
        "step": last["number"],
        "before": compact(last["details"]["before"]),
        "after": compact(last["details"]["after"]),
    }
    return f"{words} {times}, {latest}"
