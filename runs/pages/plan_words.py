"""What is wrong with a plan, in words for the person who changes it: steps by their titles, not by their keys."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

from agentops.engine.plan_faults import Fault, Wrong
from agentops.tools.escape import shorten, visible

SAID = {
    Wrong.NO_STEPS: gettext_lazy("The plan has no step. Add at least one."),
    Wrong.STEPS: gettext_lazy("The plan has %(count)s steps; at most %(most)s are allowed. Take some out."),
    Wrong.KEY: gettext_lazy("Its key must be 1 to 40 letters, digits, “-”, “_” or “.”: change it in the JSON tab."),
    Wrong.TWICE: gettext_lazy("Another step has the same key: change one of them in the JSON tab."),
    Wrong.EMPTY: gettext_lazy("This is needed."),
    Wrong.LONG: gettext_lazy("It has %(count)s characters; at most %(most)s are allowed."),
    Wrong.TOOL: gettext_lazy("The agent has no tool “%(name)s”: take it out."),
    Wrong.NUMBER: gettext_lazy("A whole number, 0 or more."),
    Wrong.NO_CALLS: gettext_lazy("It has tools: say how many calls it may make, or take its tools away."),
    Wrong.ITSELF: gettext_lazy("It comes after itself: take that out."),
    Wrong.NO_STEP: gettext_lazy("“%(name)s” is no step of this plan: take it out."),
    Wrong.CIRCLE: gettext_lazy("These steps wait for one another in a circle: %(steps)s. Take one of the links out."),
    Wrong.CALLS: gettext_lazy("The steps may make %(count)s tool calls together; %(most)s are left. Allow fewer."),
}


def said(fault: Fault, titles: Mapping[str, str]) -> str:
    """`titles`: of the steps, by key."""
    if fault.wrong not in SAID:
        return fault.words
    values = dict(fault.values or {})
    for number in ("count", "most"):
        if number in values:
            values[number] = f"{values[number]:,}"
    if "keys" in values:
        values["steps"] = " → ".join(f"“{titled(key, titles)}”" for key in values["keys"])
    return str(SAID[fault.wrong]) % values


def titled(key: str, titles: Mapping[str, str]) -> str:
    return shorten(visible(titles.get(key, "").strip() or key), 60)
