"""What differs between two lists of rules, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

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
    """In the order of the new list; what was removed comes last. A rule is the same one when its name is."""
    before, after = [rule["name"] for rule in old], [rule["name"] for rule in new]
    gone, stayed = set(range(len(old))), {}
    for at_old, at_new, length in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        stayed |= {at_new + step: at_old + step for step in range(length)}
    gone -= set(stayed.values())
    found = []
    for place, rule in enumerate(new):
        if place in stayed:
            fields = _fields(old[stayed[place]], rule)
            if fields:
                found.append(_told("changed", rule, place, stayed[place], fields))
        else:
            found.append(_arrived(old, rule, place, gone))
    return found + [_told("removed", old[place], place) for place in sorted(gone)]


def _arrived(old: list[RuleData], rule: RuleData, place: int, gone: set[int]) -> RuleChange:
    """A rule that did not stay where it was: moved, renamed, or new. Takes what it was out of `gone`."""
    for was in sorted(gone):
        fields = _fields(old[was], rule)
        if old[was]["name"] == rule["name"]:
            gone.discard(was)
            return _told("moved", rule, place, was, fields)
        if len(fields) == 1:
            gone.discard(was)
            return _told("changed" if was == place else "moved", rule, place, was, fields)
    return _told("added", rule, place)


def _told(kind: str, rule: RuleData, place: int, was: int = -1, fields: Iterable[FieldChange] = ()) -> RuleChange:
    return RuleChange(kind, rule["name"], place + 1, rules.in_words(rule), was + 1, tuple(fields))


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
