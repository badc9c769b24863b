"""What became of earlier requests of the same tool by the same agent: bounded, and said so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from approvals import subjects
from approvals.models import ApprovalRequest

from . import deviations

COUNTED = 1_000
COMPARED = 100
"""The newest approved ones, whose arguments say what is usual."""

Status = ApprovalRequest.Status


@dataclass(frozen=True, slots=True)
class Precedent:
    by_person: int
    by_countdown: int
    rejected: int
    other: int
    undone: int
    """Of the approved ones, those whose action somebody took back afterwards."""
    more: bool
    """There are more than the thousand newest that were counted."""
    deviating: dict[str, str]
    """Arguments that stand out against what was approved, with why."""

    @property
    def approved(self) -> int:
        return self.by_person + self.by_countdown

    @property
    def any(self) -> bool:
        return bool(self.approved or self.rejected or self.other)


def of(request: ApprovalRequest) -> Precedent:
    """A constant number of queries, whatever the history holds."""
    asked_before = ApprovalRequest.objects.filter(team_id=request.team_id, tool=request.tool, agent=request.agent)
    before = asked_before.exclude(status=Status.PENDING).exclude(pk=request.pk).order_by("-decided_at")
    ends = list(before.values_list("status", "decided_via", "subject_kind", "subject_id")[: COUNTED + 1])
    counted = Counter((status, via == ApprovalRequest.Via.TIMER) for status, via, *_subject in ends[:COUNTED])
    mine = [pk for status, _, kind, pk in ends[:COUNTED] if (status, kind) == (Status.APPROVED, request.subject_kind)]
    undone = subjects.taken_back(request.subject_kind, mine)
    latest = before.filter(status=Status.APPROVED).values_list("subject_id", "arguments")[:COMPARED]
    approved = [arguments for pk, arguments in latest if pk not in undone]
    by_person, by_countdown = counted[Status.APPROVED, False], counted[Status.APPROVED, True]
    rejected = counted[Status.REJECTED, False]
    return Precedent(
        by_person,
        by_countdown,
        rejected,
        counted.total() - by_person - by_countdown - rejected,
        len(undone),
        len(ends) > COUNTED,
        deviations.from_precedent(request.arguments, approved) if request.status == Status.PENDING else {},
    )
