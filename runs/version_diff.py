"""What differs between two versions of an agent, in words: the prompt by lines, the rest by what was and what is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

from .agent_form import CHILD_LABELS, LABELS, PLANNING
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
        found.append(_sets(_("Tools"), before.tools, after.tools))
    elif before.tools != after.tools:
        found.append(Difference(_("Order of the tools"), ", ".join(before.tools), ", ".join(after.tools)))
    if before.model_chain != after.model_chain:
        found.append(Difference(_("Models"), _in_order(before.model_chain), _in_order(after.model_chain)))
    if before.planning != after.planning:
        found.append(Difference(_("How it works"), str(PLANNING[before.planning]), str(PLANNING[after.planning])))
    if set(before.delegates_to) != set(after.delegates_to):
        found.append(_sets(_("Hands work to"), before.delegates_to, after.delegates_to))
    for name, label in {**LABELS, **CHILD_LABELS}.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Difference(str(label), _number(old), _number(new)))
    if before.context_tokens != after.context_tokens:
        rooms = [_("what its models take") if room is None else _number(room) for room in _rooms(before, after)]
        found.append(Difference(_("Tokens of one request, at most"), *rooms))
    if before.summary_chain != after.summary_chain:
        chains = [_in_order(version.summary_chain) for version in (before, after)]
        found.append(Difference(_("Models that summarise and judge"), *chains))
    if before.answer_schema != after.answer_schema:
        lines = tuple(_lines(_schema(before), _schema(after)))
        found.append(Difference(_("JSON schema of the answer"), lines=lines))
    if before.success != after.success:
        found.append(_sets(_("Success criteria"), *(_criteria(version) for version in (before, after))))
    return found + list(_inputs(before.inputs, after.inputs))


def _rooms(*versions: AgentVersion) -> list[int | None]:
    return [version.context_tokens for version in versions]


def _sets(label: str, before: list[str], after: list[str]) -> Difference:
    """What came and what went; the same in another order by what was and what is."""
    added, removed = (
        tuple(one for one in ours if one not in others) for ours, others in ((after, before), (before, after))
    )
    if added or removed:
        return Difference(label, added=added, removed=removed)
    return Difference(label, "; ".join(before), "; ".join(after))


def _schema(version: AgentVersion) -> list[str]:
    if version.answer_schema is None:
        return []
    return json.dumps(version.answer_schema, indent=2, ensure_ascii=False, sort_keys=True).splitlines()


def _criteria(version: AgentVersion) -> list[str]:
    """As lines: a question, or an expression with what is missing when it is false."""
    return [one.get("question") or f"{one.get('expression', '')} ({one.get('message', '')})" for one in version.success]


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
