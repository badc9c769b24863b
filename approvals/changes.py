"""What differs between two lists of rules, in words."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

from agentops.core.tools import digest

from . import rules

RuleData = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    kind: str
    """`added`, `removed`, `changed` or `moved`."""
    name: str
    number: int
    """Its place in the new list, counted from 1; of a removed one in the old."""
    words: str
    was_number: int = 0
    """Of a rule that moved."""
    fields: tuple[FieldChange, ...] = ()

    def __str__(self) -> str:
        said = {
            "added": _("added “%(name)s”"),
            "removed": _("deleted “%(name)s”"),
            "changed": _("changed “%(name)s”"),
            "moved": _("moved “%(name)s” from place %(was)s to %(now)s"),
        }[self.kind] % {"name": self.name, "was": self.was_number, "now": self.number}
        details = ", ".join(f"{field.label}: {field.before} → {field.after}" for field in self.fields)
        return f"{said} ({details})" if details else said


def between(old: list[RuleData], new: list[RuleData]) -> list[RuleChange]:
    """In the order of the new list; what was removed comes last."""
    before, after = [digest(rule) for rule in old], [digest(rule) for rule in new]
    gone, fresh = set(range(len(old))), set(range(len(new)))
    for at_old, at_new, length in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        gone -= set(range(at_old, at_old + length))
        fresh -= set(range(at_new, at_new + length))
    found = []
    for place in sorted(fresh):
        found.append(_change(old, new, place, before, after, gone))
    found += [RuleChange("removed", old[i]["name"], i + 1, rules.in_words(old[i])) for i in sorted(gone)]
    return found


def _change(
    old: list[RuleData], new: list[RuleData], place: int, before: list[str], after: list[str], gone: set[int]
) -> RuleChange:
    rule, words = new[place], rules.in_words(new[place])
    same = next((i for i in sorted(gone) if before[i] == after[place]), None)
    if same is not None:
        gone.discard(same)
        return RuleChange("moved", rule["name"], place + 1, words, same + 1)
    alike = next((i for i in sorted(gone) if old[i]["name"] == rule["name"]), None)
    if alike is None and place in gone:
        # Renamed where it stands: one field differs, else it is another rule.
        alike = place if len(_fields(old[place], rule)) == 1 else None
    if alike is None:
        return RuleChange("added", rule["name"], place + 1, words)
    gone.discard(alike)
    return RuleChange("changed", rule["name"], place + 1, words, alike + 1, tuple(_fields(old[alike], rule)))


def _fields(before: RuleData, after: RuleData) -> list[FieldChange]:
    labels = {
        "name": _("name"),
        "tool": _("tool"),
        "agent": _("agent"),
        "taint": _("taint"),
        "condition": _("condition"),
        "tier": _("tier"),
        "timer_seconds": _("countdown in seconds"),
        "on_deadline": _("at its deadline"),
    }
    return [
        FieldChange(labels[name], _shown(before[name]), _shown(after[name]))
        for name in rules.FIELDS
        if before[name] != after[name]
    ]


def _shown(value: Any) -> str:
    return _("none") if value in ("", None) else str(value)
