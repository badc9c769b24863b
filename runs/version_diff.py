"""What differs between two versions of an agent, in words: the prompt by lines, the rest by what was and what is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

from .agent_form import LABELS, LIMITS
from .models import AgentVersion

AROUND = 2
"""Lines shown unchanged on each side of a change."""


@dataclass(frozen=True, slots=True)
class Line:
    kind: str
    """`same`, `added`, `removed`, or `gap` (with the number of lines left out as its text)."""
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    label: str
    before: str = ""
    after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


def between(before: AgentVersion, after: AgentVersion) -> list[Difference]:
    found = []
    if before.system_prompt != after.system_prompt:
        lines = tuple(_lines(before.system_prompt.splitlines(), after.system_prompt.splitlines()))
        found.append(Difference(_("Instructions"), lines=lines))
    if set(before.tools) != set(after.tools):
        found.append(
            Difference(
                _("Tools"),
                added=tuple(name for name in after.tools if name not in before.tools),
                removed=tuple(name for name in before.tools if name not in after.tools),
            )
        )
    elif before.tools != after.tools:
        found.append(Difference(_("Order of the tools"), ", ".join(before.tools), ", ".join(after.tools)))
    if before.model_chain != after.model_chain:
        found.append(Difference(_("Models"), _in_order(before.model_chain), _in_order(after.model_chain)))
    for name in LIMITS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Difference(str(LABELS[name]), _number(old), _number(new)))
    return found + list(_inputs(before.inputs, after.inputs))


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    groups = SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND)
    shown = 0
    for group in groups:
        if skipped := group[0][1] - shown:
            yield Line("gap", str(skipped))
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                yield from (Line("same", text) for text in before[i1:i2])
            else:
                yield from (Line("removed", text) for text in before[i1:i2])
                yield from (Line("added", text) for text in after[j1:j2])
        shown = group[-1][2]
    if skipped := len(before) - shown:
        yield Line("gap", str(skipped))


def _inputs(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Difference]:
    old, new = ({one["name"]: one for one in inputs} for inputs in (before, after))
    added = tuple(_input(new[name]) for name in new if name not in old)
    removed = tuple(_input(old[name]) for name in old if name not in new)
    if added or removed:
        yield Difference(_("Inputs"), added=added, removed=removed)
    for name in new:
        if name in old and old[name] != new[name]:
            yield Difference(_("Input “%s”") % new[name]["label"], _input(old[name]), _input(new[name]))
    if not added and not removed and list(old) != list(new):
        yield Difference(_("Order of the inputs"), ", ".join(old), ", ".join(new))


def _input(one: dict[str, Any]) -> str:
    parts = [one["label"], one["kind"].replace("_", " or "), _("needed") if one["required"] else _("may stay empty")]
    parts += [" / ".join(one["choices"])] if one["choices"] else []
    parts += [_("at first %s") % one["default"]] if one["default"] is not None else []
    return ", ".join(parts + ([one["help"]] if one["help"] else []))


def _in_order(models: list[str]) -> str:
    return _(", then ").join(models) or _("none")


def _number(value: int | Decimal) -> str:
    return f"{value.normalize():,f}" if isinstance(value, Decimal) else f"{value:,}"
