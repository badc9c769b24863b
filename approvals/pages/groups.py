"""Requests of one tool by one agent that wait together: how many, and which of them are not like the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet
from django.db.models.fields.json import KeyTextTransform

from agentops.core.tools import Tier
from approvals.models import ApprovalRequest

from . import deviations

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Group:
    tool: str
    agent: str
    title: str
    count: int


def may_join(request: ApprovalRequest) -> bool:
    """Critical actions and questions are decided one by one."""
    return request.tier != Tier.CRITICAL and request.wants == ApprovalRequest.Wants.DECISION


def largest(pending: QuerySet[ApprovalRequest]) -> list[Group]:
    """Counted by the database over all that wait, not over the rows of the page."""
    joining = pending.filter(wants=ApprovalRequest.Wants.DECISION).exclude(tier=Tier.CRITICAL).order_by()
    found = (
        joining.values("tool", "agent")
        .annotate(count=Count("pk"), title=Max(KeyTextTransform("agent_title", "context")))
        .filter(count__gte=deviations.FEW)
        .order_by("-count", "tool", "agent")[:SHOWN]
    )
    return [Group(row["tool"], row["agent"], row["title"] or row["agent"], row["count"]) for row in found]


def compare(rows: list[ApprovalRequest]) -> None:
    """Gives each row its `group` and what `differs` in it: argument, value, why."""
    alike: dict[tuple[int, str, str], list[ApprovalRequest]] = defaultdict(list)
    for row in rows:
        row.group, row.differs = "", {}  # type: ignore[attr-defined]
        if may_join(row) and row.status == ApprovalRequest.Status.PENDING:
            row.group = f"{row.team_id} {row.tool} {row.agent}"  # type: ignore[attr-defined]
            alike[row.team_id, row.tool, row.agent].append(row)
    for members in alike.values():
        arguments = [member.arguments for member in members]
        for member in members:
            member.differs = deviations.from_group(member.arguments, arguments)  # type: ignore[attr-defined]
