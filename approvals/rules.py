"""One rule of a policy: what may be written, how a version stores it, when it applies, how it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier

from . import conditions
from .conditions import Condition, Facts
from .models import Rule

FIELDS = ("name", "tool", "agent", "taint", "condition", "tier", "timer_seconds", "on_deadline")
MAX_TIMER_SECONDS = 30 * 24 * 3600

_LONGEST = {name: Rule._meta.get_field(name).max_length or 0 for name in ("name", "tool", "agent", "condition")}
_PATTERN = re.compile(r"[A-Za-z0-9_.:/*?-]+")


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as a policy version holds it, ready to be tried."""

    name: str
    tool: str
    agent: str
    taint: str
    condition: Condition | None
    tier: Tier
    timer_seconds: int | None
    on_deadline: str

    def applies(self, *, tool: str, agent: str, tainted: bool) -> bool:
        """Everything but the condition, which costs more."""
        if self.taint != Rule.Taint.ANY and (self.taint == Rule.Taint.TAINTED) != tainted:
            return False
        return fnmatchcase(tool, self.tool) and fnmatchcase(agent, self.agent)

    def holds(self, facts: Facts) -> bool:
        """Raises ConditionFailed."""
        return self.condition is None or self.condition.holds(facts)


def as_json(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}


def from_json(data: dict[str, Any]) -> StoredRule:
    condition = Condition(data["condition"]) if data["condition"].strip() else None
    return StoredRule(**{**data, "condition": condition, "tier": Tier(data["tier"])})


def check_shape(data: Any) -> None:
    """Raises InvalidInput unless these are a rule's fields, all of them, of the right types and lengths."""
    if not isinstance(data, dict) or set(data) != set(FIELDS):
        raise InvalidInput(_("A rule has %(fields)s, and nothing else.") % {"fields": ", ".join(FIELDS)}, "")
    for name, value in data.items():
        if name == "timer_seconds":
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise InvalidInput(_("Write a whole number of seconds, or leave it empty."), name)
        elif not isinstance(value, str):
            raise InvalidInput(_("This must be text."), name)
        elif name in _LONGEST and len(value) > (longest := _LONGEST[name]):
            raise InvalidInput(
                _("This has %(count)s characters; at most %(most)s are allowed.")
                % {"count": f"{len(value):,}", "most": f"{longest:,}"},
                name,
            )
        elif "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidInput(_("This contains a character that cannot be stored."), name)


def check(data: dict[str, Any]) -> None:
    """Raises InvalidInput naming the field, unless a policy may hold this rule."""
    if not data["name"].strip() or not data["name"].isprintable():
        raise InvalidInput(_("People read the name on every request: give it printable characters."), "name")
    for field in ("tool", "agent"):
        if not _PATTERN.fullmatch(data[field]):
            raise InvalidInput(
                _(
                    "Write a name, or a pattern with * for any characters and ? for one; other than these it "
                    "may hold letters, digits and _ . : / -"
                ),
                field,
            )
    if data["taint"] not in Rule.Taint:
        raise InvalidInput(_("Taint is one of %(values)s.") % {"values": ", ".join(Rule.Taint.values)}, "taint")
    if data["tier"] not in list(Tier):
        raise InvalidInput(_("The tier is one of %(tiers)s.") % {"tiers": ", ".join(Tier)}, "tier")
    if data["condition"].strip():
        conditions.check(data["condition"])
    _check_deadline(Tier(data["tier"]), data["timer_seconds"], data["on_deadline"])


def _check_deadline(tier: Tier, seconds: int | None, on_deadline: str) -> None:
    if on_deadline not in Rule.OnDeadline:
        raise InvalidInput(_("At its deadline a request waits on, or expires."), "on_deadline")
    if on_deadline and tier is not Tier.HIGH:
        raise InvalidInput(_("Only high can expire: medium approves itself, critical waits."), "on_deadline")
    if on_deadline and seconds is None:
        raise InvalidInput(_("Say after how many seconds it expires."), "timer_seconds")
    check_timer(tier, seconds, expires=bool(on_deadline))


def check_timer(tier: Tier, seconds: int | None, *, expires: bool = False) -> None:
    """Raises InvalidInput(timer_seconds) for a countdown that could not run or would mean nothing."""
    if seconds is None:
        return
    if tier is not Tier.MEDIUM and not expires:
        raise InvalidInput(_("Only medium counts down, and high where it expires. Leave it empty."), "timer_seconds")
    if not 1 <= seconds <= MAX_TIMER_SECONDS:
        raise InvalidInput(
            _("A countdown is 1 to %(most)s seconds (30 days).") % {"most": f"{MAX_TIMER_SECONDS:,}"},
            "timer_seconds",
        )


def in_words(data: dict[str, Any]) -> str:
    """“Large refunds”: refund_* by any agent, when double(args.amount) > 100.0 → high, expires after 60 s."""
    who = "any agent" if data["agent"] == "*" else data["agent"]
    what = "any tool" if data["tool"] == "*" else data["tool"]
    taint = "" if data["taint"] == Rule.Taint.ANY else f" in a {data['taint']} run"
    when = f", when {data['condition'].strip()}" if data["condition"].strip() else ""
    after = f" after {data['timer_seconds']} s" if data["timer_seconds"] else ""
    deadline = f", expires{after}" if data["on_deadline"] else f", approves itself{after}" if after else ""
    return f"“{data['name']}”: {what} by {who}{taint}{when} → {data['tier']}{deadline}"
