"""Which arguments of an action stand out: against what was approved before, and against its like in the queue."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from statistics import median_low
from typing import Any

from django.utils.translation import gettext as _

from agentops.tools.escape import shorten, visible

Arguments = dict[str, Any]

FEW = 3
"""Fewer than this say nothing about what is usual."""

_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_ADDRESS = re.compile(r"(?:[^\s@/]+@|[a-z][a-z0-9+.-]*://)([^\s@/:?#]+)[^\s]*", re.IGNORECASE)
_NAMES_SOMETHING = re.compile(r"(^|_)(id|number|no|code|zip|phone)$", re.IGNORECASE)


def from_precedent(arguments: Arguments, approved: list[Arguments]) -> dict[str, str]:
    """By argument, in words: an amount above the largest approved, a domain that nothing approved went to."""
    if not approved:
        return {}
    found = {}
    for name, value in arguments.items():
        before = [one[name] for one in approved if name in one]
        amount, hosts = _amount(name, value), _hosts(value)
        amounts = [known for item in before if (known := _amount(name, item)) is not None]
        if amount is not None and amounts and amount > max(amounts):
            found[name] = _("above the largest approved before: %(most)s") % {"most": max(amounts)}
        known_hosts = {host for item in before for host in _hosts(item)}
        if known_hosts and (new := sorted(hosts - known_hosts)):
            found[name] = _("new: nothing approved before went to %(domain)s") % {"domain": visible(", ".join(new))}
    return found


def from_group(arguments: Arguments, alike: list[Arguments]) -> dict[str, str]:
    """By argument, in words: what most of the group share and this one does not, and an amount far above theirs."""
    if len(alike) < FEW:
        return {}
    found = {}
    for name in {**dict.fromkeys(_names(alike)), **arguments}:
        usual = _usual(name, alike)
        mine = _comparable(arguments.get(name))
        if usual is not None and mine != usual:
            found[name] = _("most have %(usual)s") % {"usual": shorten(visible(usual), 40) or _("nothing")}
            continue
        amount = _amount(name, arguments.get(name))
        amounts = [known for one in alike if (known := _amount(name, one.get(name))) is not None]
        if amount is not None and len(amounts) >= FEW and amount > 2 * median_low(amounts) and amount == max(amounts):
            found[name] = _("the others have about %(usual)s") % {"usual": median_low(amounts)}
    return found


def _names(alike: list[Arguments]) -> Iterator[str]:
    for one in alike:
        yield from one


def _usual(name: str, alike: list[Arguments]) -> str | None:
    """The value that more than half have; None when there is none."""
    value, times = Counter(_comparable(one.get(name)) for one in alike).most_common(1)[0]
    return value if times * 2 > len(alike) else None


def _comparable(value: Any) -> str:
    """Addresses are alike when they lead to the same place."""
    return ", ".join(sorted(_hosts(value))) or ("" if value is None else str(value)[:500])


def _amount(name: str, value: Any) -> Decimal | None:
    if isinstance(value, bool) or _NAMES_SOMETHING.search(name):
        return None
    if isinstance(value, int | float):
        return Decimal(str(value)) if abs(value) < 1e15 else None
    return Decimal(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else None


def _hosts(value: Any) -> set[str]:
    """The domains of a mail address, a web address, or a list of them."""
    parts: Iterable[Any] = value if isinstance(value, list) else [value]
    texts = [part for part in parts if isinstance(part, str) and len(part) < 500]
    return {found.group(1).lower() for text in texts if (found := _ADDRESS.fullmatch(text.strip()))}
