"""A plan in the review queue: as a graph and as steps, what a person changed in it, and the form that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops.core.tools import Tier
from approvals.models import ApprovalRequest
from runs.models import Plan, PlanStep
from runs.plan_standing import done_in, room_of

from . import plan_graph
from .plan import names_of
from .plan_fields import is_step
from .plan_form import Around, PlanForm
from .tool_lines import Tiers, ToolLine, line, tiers_of

Names = list[tuple[str, str]]
"""Of steps, as (key, title)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a step, before and after: as text, or as what came and went."""

    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class AskedStep:
    """One step as it stands in the request. `was`: what a person changed in it; `new`: a person added it."""

    key: str
    title: str
    instruction: str
    tools: list[ToolLine]
    calls: int
    after: Names
    new: bool = False
    was: dict[str, Change] | None = None


@dataclass(frozen=True, slots=True)
class AskedPlan:
    steps: list[AskedStep]
    removed: list[str]
    """Titles of the steps that a person took out."""
    graph: SafeString
    tools: list[ToolLine]
    """Of all steps, the riskiest first."""
    calls: int
    first: int
    """How many steps wait for no other."""
    changed: bool
    """A person changed it before approving."""
    run_url: str


class PlanFace:
    """Implements `approvals.subjects.Face`."""

    shown_by = "runs/_plan_asked.html"
    edited_by = "runs/_plan_fields.html"

    def says(self, agent: str) -> str:
        return _("%(agent)s wants to work by this plan") % {"agent": agent}

    def about(self, request: ApprovalRequest, before: dict[str, Any] | None) -> AskedPlan:
        found = Plan.objects.filter(pk=_number(request.subject_id)).prefetch_related("steps").first()
        rows, old = _steps(request.arguments), {one["key"]: one for one in _steps(before or {})}
        keys = {row["key"] for row in rows}
        done = {step.key: step.title for step in found.steps.all() if step.status == Status.DONE} if found else {}
        titles = done | {key: one["title"] for key, one in old.items()} | {row["key"]: row["title"] for row in rows}
        tiers = tiers_of([request.team_id])
        shown = [_asked(row, old.get(row["key"]), before is not None, titles, request.team_id, tiers) for row in rows]
        tools = {tool.name: tool for step in shown for tool in step.tools}
        return AskedPlan(
            shown,
            [one["title"] for key, one in old.items() if key not in keys],
            _graph(rows, {key: title for key, title in done.items() if key not in keys}),
            sorted(tools.values(), key=lambda tool: -Tier(tool.tier).rank if tool.tier else -9),
            sum(step.calls for step in shown),
            sum(not keys & set(row["after"]) for row in rows),
            before is not None,
            f"{reverse('run', args=[found.run_id])}#run-plan" if found else "",
        )

    def form(self, request: ApprovalRequest, arguments: dict[str, Any]) -> PlanForm:
        return PlanForm.of(_around(request), arguments)

    def sent(self, request: ApprovalRequest, typed: QueryDict) -> PlanForm:
        return PlanForm.sent(_around(request), typed)


Status = PlanStep.Status


def _around(request: ApprovalRequest) -> Around:
    found = Plan.objects.select_related("run__version").get(pk=_number(request.subject_id))
    steps = list(found.steps.all())
    room, tiers = room_of(found.run, done_in(steps)), tiers_of([request.team_id])
    return Around(
        [line(name, request.team_id, tiers) for name in room.tools],
        [(step.key, step.title) for step in steps if step.key in room.done],
        room.most_calls,
        room.most_steps,
        _steps(request.arguments),
    )


def _asked(
    row: dict[str, Any],
    old: dict[str, Any] | None,
    compared: bool,
    titles: dict[str, str],
    team_id: int,
    tiers: Tiers,
) -> AskedStep:
    def lines(names: Sequence[str]) -> list[ToolLine]:
        return [line(name, team_id, tiers) for name in names]

    changes = {}
    for name in ("title", "instruction", "max_tool_calls"):
        if old and old[name] != row[name]:
            changes[name] = Change(old[name], row[name])
    for name in ("tools", "after"):
        if old and set(old[name]) != set(row[name]):
            gone = [one for one in old[name] if one not in row[name]]
            came = [one for one in row[name] if one not in old[name]]
            as_names = [[titles.get(one, one) for one in some] if name == "after" else some for some in (gone, came)]
            changes[name] = Change(*as_names)
    return AskedStep(
        row["key"],
        row["title"],
        row["instruction"],
        lines(row["tools"]),
        row["max_tool_calls"],
        names_of(row["after"], titles),
        compared and old is None,
        changes,
    )


def _graph(rows: list[dict[str, Any]], done: dict[str, str]) -> SafeString:
    """Of what is done already, only what a step of this plan comes after."""
    wanted = {key for row in rows for key in row["after"]}
    return plan_graph.asked([(key, title) for key, title in done.items() if key in wanted], rows)


def _steps(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a plan that was taken as one; of anything else, none."""
    given = arguments.get("steps")
    return [_whole(one) for one in given] if isinstance(given, list) and all(map(is_step, given)) else []


def _whole(step: dict[str, Any]) -> dict[str, Any]:
    calls = step.get("max_tool_calls")
    return {
        "key": step["key"],
        "title": step.get("title", ""),
        "instruction": step.get("instruction", ""),
        "tools": list(step.get("tools") or []),
        "after": list(step.get("after") or []),
        "max_tool_calls": calls if isinstance(calls, int) else 0,
    }


def _number(subject_id: str) -> int:
    return int(subject_id) if subject_id.isascii() and subject_id.isdigit() else 0
