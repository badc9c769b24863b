"""The steps of a run with all that belongs to them, in as many queries however many there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import OuterRef, Q, QuerySet, Subquery

from agentops.accounts.access import Actor
from agentops.tools.builtin.delegate import NAME as DELEGATE
from approvals.models import ApprovalRequest
from approvals.pages.presenting import Shown, may_decide
from runs.history import steps_of
from runs.models import ModelCall, Run, RunMessage, Step, ToolCall
from runs.subject import KIND

from . import people, undoing
from .cards import CallCard, StepCard

LATEST = 40
"""Steps that the page brings along; earlier ones come when asked for."""
CHUNK = 100
"""Steps that a gap gives when somebody opens it."""
BEFORE, FROM = 10, 30
"""Steps before a wanted one and from it on that a link to a far step brings along."""


def latest(run: Run, actor: Actor) -> list[StepCard]:
    return _cards(run, actor, steps_of(run).order_by("-number")[:LATEST])


@dataclass(frozen=True, slots=True)
class Gap:
    """Steps that the page does not have: those between two numbers, both excluded."""

    after: int
    before: int

    @property
    def count(self) -> int:
        return self.before - self.after - 1

    def part(self, wanted: int = 0) -> tuple[int, int]:
        """The first step to fill in and the one to stop before: around `wanted`, or beside what the page has."""
        if wanted:
            return max(self.after + 1, wanted - BEFORE), min(self.before, wanted + FROM)
        if self.after:
            return self.after + 1, min(self.after + 1 + CHUNK, self.before)
        return max(1, self.before - CHUNK), self.before


def between(run: Run, actor: Actor, first: int, before: int) -> list[StepCard]:
    return _cards(run, actor, steps_of(run).filter(number__gte=first, number__lt=before))


def numbered(run: Run, actor: Actor, numbers: Collection[int], after: int) -> list[StepCard]:
    """The steps of these numbers, and all after `after`."""
    wanted = Q(number__in=numbers) | Q(number__gt=after)
    return _cards(run, actor, steps_of(run).filter(wanted))


def _cards(run: Run, actor: Actor, steps: QuerySet[Step]) -> list[StepCard]:
    following = Step.objects.filter(run=OuterRef("run"), number=OuterRef("number") + 1).values("opened_at")
    rows = sorted(steps.annotate(next_opened_at=Subquery(following)), key=lambda step: step.number)
    _join(run, rows)
    cards = {step.pk: StepCard(step, shared=step.run_id != run.pk) for step in rows}
    calls = list(ToolCall.objects.filter(step__in=cards).order_by("step_id", "position"))
    approvals, taken, started = _approvals(run, actor, calls), undoing.marks(calls), _started(calls)
    for call in calls:
        card = CallCard(call, approvals.get(str(call.pk)), taken.get(call.pk), started.get(call.pk))
        cards[call.step_id].calls.append(card)
    for attempt in ModelCall.objects.filter(step__in=cards).exclude(error_kind="").order_by("id"):
        cards[attempt.step_id].failed_attempts.append(attempt)
    for message in RunMessage.objects.filter(step__in=cards):
        cards[message.step_id or 0].messages.append(message)
    _place_marks(run, list(cards.values()))
    return list(cards.values())


def _join(run: Run, rows: list[Step]) -> None:
    """Of a fork: the last step that it shares goes before its own first one, whatever followed it elsewhere."""
    for row, following in pairwise([*rows, None]):
        if row and row.run_id != run.pk and (following is None or following.run_id != row.run_id):
            row.next_opened_at = following.opened_at if following else None  # type: ignore[attr-defined]


def _place_marks(run: Run, cards: list[StepCard]) -> None:
    """Each after the step that was the last to open before it; before the first, what was done to a queued run."""
    if not cards:
        return
    first = cards[0].step
    for mark in people.marks(run, None if first.number == 1 else first.opened_at):
        if mark.at < first.opened_at:
            cards[0].before.append(mark)
            continue
        for card in cards:
            ends = card.step.next_opened_at  # type: ignore[attr-defined]
            if card.step.opened_at <= mark.at and (ends is None or mark.at < ends):
                card.after.append(mark)


def _started(calls: list[ToolCall]) -> dict[int, Run]:
    """The runs that calls handed work to."""
    handed = [call.pk for call in calls if call.tool == DELEGATE]
    if not handed:
        return {}
    found = Run.objects.filter(parent_call__in=handed).select_related("agent")
    return {run.parent_call_id: run for run in found if run.parent_call_id}


def _approvals(run: Run, actor: Actor, calls: list[ToolCall]) -> dict[str, Shown]:
    """The latest request of each call."""
    requests = ApprovalRequest.objects.filter(
        subject_kind=KIND, subject_id__in=[str(call.pk) for call in calls], team_id=run.team_id
    ).prefetch_related("history")
    return {
        request.subject_id: Shown(request, may_decide(request, actor), list(request.history.all()))
        for request in requests.order_by("created_at")
    }
