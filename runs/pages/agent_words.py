"""How an agent works, in words: whether it plans, to whom it hands work, what its answer must be."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from runs.agent_form import PLANNING
from runs.models import AgentVersion

Words = str | Promise

DO: dict[str, Words] = {
    "none": gettext_lazy("It decides after each result what to do next. Right for most work."),
    "plan": gettext_lazy("It first writes down its steps; those that do not depend on each other run at once."),
    "reviewed": gettext_lazy("The same, and nothing is done before somebody has approved or changed the plan."),
}


EXAMPLES: dict[str, Any] = {
    "example_expression": "'refund' in tools && answer.contains('A-')",
    "example_schema": {
        "type": "object",
        "properties": {"total": {"type": "number"}, "orders": {"type": "array", "items": {"type": "string"}}},
        "required": ["total", "orders"],
    },
}


def summary(version: AgentVersion | None) -> dict[str, Words]:
    """One line for each folded part of the editor."""
    version = version or AgentVersion()
    return {
        "planning": PLANNING[version.planning],
        "delegates": _people(version.delegates_to) or _("Nobody: it does all itself"),
        "answer": _data(version) or _("In words"),
        "success": _criteria(version) or _("Whatever it answers counts"),
        "context": _context(version) or _("What its models take"),
    }


def facts(version: AgentVersion) -> list[tuple[Words, Words]]:
    """What differs from an agent that works step by step and answers in words; the first always stands."""
    found: list[tuple[Words, Words]] = [(_("How it works"), PLANNING[version.planning])]
    if version.delegates_to:
        limits = _("%(all)s runs in all, %(at_once)s at once, %(depth)s deep") % {
            "all": version.max_children,
            "at_once": version.max_parallel_children,
            "depth": version.max_depth,
        }
        found.append((_("Hands work to"), f"{_people(version.delegates_to)} ({limits})"))
    if answer := _data(version):
        found.append((_("Answer"), answer))
    if context := _context(version):
        found.append((_("Context"), context))
    return found


def _people(names: list[str]) -> str:
    return ", ".join(names)


def _data(version: AgentVersion) -> str:
    schema: dict[str, Any] | None = version.answer_schema
    if schema is None:
        return ""
    names = schema.get("properties")
    if not isinstance(names, dict) or not names:
        return _("JSON that fits a schema")
    shown = ", ".join(list(names)[:6]) + ("…" if len(names) > 6 else "")
    return _("JSON with %(names)s") % {"names": shown}


def _criteria(version: AgentVersion) -> str:
    count = len(version.success)
    if not count:
        return ""
    return ngettext("%(count)s criterion", "%(count)s criteria", count) % {"count": count}


def _context(version: AgentVersion) -> str:
    parts = []
    if version.context_tokens is not None:
        parts.append(_("%(tokens)s tokens a request") % {"tokens": f"{version.context_tokens:,}"})
    if version.summary_chain:
        parts.append(_("%(models)s summarise and judge") % {"models": ", ".join(version.summary_chain)})
    return ", ".join(parts)
