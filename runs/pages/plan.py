"""A run's plan as its page shows it: the graph, the same as a list, the runs that carry it out, and earlier plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops import charts
from agentops.accounts.access import Actor
from approvals.models import ApprovalRequest
from approvals.pages.presenting import Shown, may_decide
from runs import plan_review
from runs.models import AgentVersion, Plan, PlanStep, Run

from . import plan_graph

Status = PlanStep.Status


@dataclass(frozen=True, slots=True)
class Tried:
    """A step of a plan, with the runs that tried it, the latest last."""

    step: PlanStep
    runs: list[Run]


@dataclass(frozen=True, slots=True)
class Current:
    """The plan that counts, the ones before it, and the request that waits for a person."""

    plan: Plan
    steps: list[Tried]
    earlier: list[Plan]
    request: ApprovalRequest | None


@dataclass(frozen=True, slots=True)
class Row:
    """One step. `names`: of the steps it comes after, as (key, title)."""

    step: PlanStep
    runs: list[Run]
    names: list[tuple[str, str]]

    @property
    def mark(self) -> SafeString:
        return charts.mark(self.step.status)

    @property
    def run(self) -> Run | None:
        """The one that tried it last."""
        return self.runs[-1] if self.runs else None

    @property
    def earlier(self) -> list[Run]:
        return self.runs[:-1]

    @property
    def went_wrong(self) -> bool:
        return self.step.status in (Status.FAILED, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Earlier:
    plan: Plan
    why: str


@dataclass(frozen=True, slots=True)
class Panel:
    plan: Plan
    rows: list[Row]
    graph: SafeString
    earlier: list[Earlier]
    review: Shown | None
    """The request that waits for a person, or that was approved and can still be taken back."""

    @property
    def told(self) -> str:
        """How many of its steps stand how."""
        counts = [(word, sum(row.step.status == status for row in self.rows)) for status, word in Status.choices]
        return ", ".join(f"{count} {str(word).lower()}" for word, count in counts if count)


def of(run: Run, actor: Actor) -> dict[str, Any]:
    """`plans`: this run works by a plan, which there may not be yet. No query for a run that does not."""
    planless = run.version is not None and run.version.planning == AgentVersion.Planning.NONE
    if planless or run.plan_step_id:  # a step of a plan makes none of its own
        return {"plans": False, "plan": None}
    current = current_of(run)
    if current is None:
        return {"plans": run.version is not None and not run.is_final, "plan": None}
    rows = _rows([(shown.step, shown.runs) for shown in current.steps])
    review = current.request
    panel = Panel(
        current.plan,
        rows,
        plan_graph.standing([row.step for row in rows]),
        _earlier(current.earlier),
        Shown(review, may_decide(review, actor), list(review.history.all()), person_id=actor.user.pk)
        if review
        else None,
    )
    return {"plans": True, "plan": panel}


def current_of(run: Run) -> Current | None:
    """The latest plan of a run, in a constant number of queries; None: it has none."""
    every = list(run.plans.order_by("number"))
    if not every:
        return None
    plan = every[-1]
    steps = list(plan.steps.all())
    tried: dict[Any, list[Run]] = defaultdict(list)
    for child in Run.objects.filter(plan_step__plan=plan).select_related("agent").order_by("created_at"):
        tried[child.plan_step_id].append(child)
    request = plan_review.request_of(plan) if plan.status == Plan.Status.IN_REVIEW else None
    return Current(plan, [Tried(step, tried[step.pk]) for step in steps], every[:-1], request)


def _rows(steps: list[tuple[PlanStep, list[Run]]]) -> list[Row]:
    titles = {step.key: step.title for step, _runs in steps}
    return [Row(step, runs, names_of(step.after, titles)) for step, runs in steps]


def names_of(keys: Iterable[str], titles: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, titles.get(key, key)) for key in keys]


def _earlier(plans: list[Plan]) -> list[Earlier]:
    """The newest first, each with why it gave way. Two queries, however many there are."""
    if not plans:
        return []
    prefetch_related_objects(plans, "steps")
    asked = ApprovalRequest.objects.filter(
        subject_kind=plan_review.KIND, subject_id__in=[str(plan.pk) for plan in plans]
    )
    requests = {request.subject_id: request for request in asked.order_by("created_at")}
    return [Earlier(plan, _why(plan, requests.get(str(plan.pk)))) for plan in reversed(plans)]


def _why(plan: Plan, request: ApprovalRequest | None) -> str:
    if plan.status == Plan.Status.REJECTED and request is not None:
        reason = request.decision_reason or request.outcome
        by = request.decided_by_name or _("somebody")
        if reason:
            return _("Rejected by %(by)s: “%(reason)s”") % {"by": by, "reason": reason}
        return _("Rejected by %(by)s.") % {"by": by}
    failed = [step.title for step in plan.steps.all() if step.status == Status.FAILED]
    if failed:
        titles = ", ".join(f"“{title}”" for title in failed)
        return _("Replaced because of what failed: %(titles)s.") % {"titles": titles}
    return _("Replaced by another plan.")
