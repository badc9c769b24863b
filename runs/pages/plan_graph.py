"""A plan as a graph: as it stands in a run, and as it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agentops import charts
from runs.models import PlanStep


def standing(steps: Iterable[PlanStep]) -> SafeString:
    return _drawn([charts.Node(step.key, step.title, step.status, _status(step), step.after) for step in steps])


def asked(done: Iterable[tuple[str, str]], rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """`done`: key and title of what an earlier plan has done; `rows`: the steps that have not begun."""
    nodes = [charts.Node(key, title, "done", _("done"), ()) for key, title in done]
    nodes += [
        charts.Node(row["key"], row["title"], "pending", _calls(row["max_tool_calls"]), row["after"]) for row in rows
    ]
    return _drawn(nodes)


def _drawn(nodes: list[charts.Node]) -> SafeString:
    title = ngettext(
        "The plan as a graph: %(n)s step. The list says the same.",
        "The plan as a graph: %(n)s steps. The list says the same.",
        len(nodes),
    )
    return charts.graph(nodes, title % {"n": len(nodes)})


def _status(step: PlanStep) -> str:
    words = str(step.get_status_display())
    return _("%(status)s, try %(tries)s") % {"status": words, "tries": step.tries} if step.tries > 1 else words


def _calls(count: int | str) -> str:
    """There is little room in a node; "" for what is no number."""
    if isinstance(count, str):
        return ""
    if not count:
        return _("no tool calls")
    return _("1 tool call") if count == 1 else _("%(count)s tool calls") % {"count": f"{count:,}"}
