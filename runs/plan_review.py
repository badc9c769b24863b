"""A plan before a person: the request, what a decision about it is bound to, and the plan as the person left it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from agentops.core.tools import Tier, digest
from agentops.engine import plan_rules, plans
from agentops.engine.plans import PlannedStep
from approvals.actions import close_requests, open_request
from approvals.models import ApprovalRequest
from approvals.policy import Verdict

from .children import Events
from .models import Plan, PlanStep, Run
from .plan_standing import done_in, room_of

KIND = "plan"
"""Of the approval requests of plans."""

REVIEW = Verdict(Tier.HIGH, "", "Plans of this agent begin when a person has approved them.", "", None, None, "")


def ask(run: Run, plan: Plan, number: int, steps: Sequence[PlannedStep]) -> None:
    arguments, effect = arguments_of(steps), effect_of(steps)
    open_request(
        team_id=run.team_id,
        verdict=REVIEW,
        tool=KIND,
        arguments=arguments,
        effect=effect,
        bound_hash=bind(arguments, effect),
        subject_kind=KIND,
        subject_id=str(plan.pk),
        context={
            "run_id": str(run.pk),
            "run_url": f"/runs/{run.pk}/#step-{number}",
            "goal": run.goal[:2000],
            "agent_title": run.version.agent.title if run.version else run.agent_name,
            "step": number,
            "said": "",
            "last_steps": [],
        },
        agent=run.agent_name,
        tainted_by=run.tainted_by,
        input_schema=plans.SCHEMA,
    )


def request_of(plan: Plan) -> ApprovalRequest | None:
    """The newest; `now` is the time by the database's clock, which says when an approval takes effect."""
    mine = ApprovalRequest.objects.filter(subject_kind=KIND, subject_id=str(plan.pk)).annotate(now=Now())
    return mine.order_by("-created_at").first()


def checked(run: Run, plan: Plan, value: Any) -> list[PlannedStep]:
    """A person's plan in place of one in review, by the same rules. Raises PlanRefused."""
    return plan_rules.check(value, room_of(run, done_in(plan.steps.all())))


def begin_if_due(plan: Plan, events: Events) -> float | None:
    """An approved plan begins when the approval cannot be taken back any more; seconds until then, if it is given."""
    request = request_of(plan)
    if request is None or request.status != ApprovalRequest.Status.APPROVED:
        return None
    if request.takes_effect_at and request.takes_effect_at > request.now:
        return max((request.takes_effect_at - request.now).total_seconds(), 0.2)
    if request.history.filter(decision="edit").exists():
        plan.edited_by_name = request.decided_by_name
        plan.steps.exclude(status=PlanStep.Status.DONE).delete()
        steps = [
            PlannedStep(**{**row, "tools": tuple(row["tools"]), "after": tuple(row["after"])})
            for row in request.arguments["steps"]
        ]
        add_steps(plan, steps, plan.steps.count())
    plan.status = Plan.Status.APPROVED
    plan.save(update_fields=["status", "edited_by_name"])
    events.append(("plan.changed", {"plan": plan.number, "status": plan.status, "by": request.decided_by_name}))
    return None


def close_review(run_id: UUID | str, why: str) -> None:
    """The run ends: nobody need look at its plan any more. The run is locked."""
    waiting = Plan.objects.filter(run_id=run_id, status=Plan.Status.IN_REVIEW)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        close_requests(KIND, [str(pk) for pk in ids], why)
        Plan.objects.filter(pk__in=ids).update(status=Plan.Status.REJECTED)


def effect_of(steps: Sequence[PlannedStep]) -> str:
    calls = sum(step.max_tool_calls for step in steps)
    return (
        f"Work through this plan of {len(steps)} step{'' if len(steps) == 1 else 's'} "
        f"(up to {calls} tool call{'' if calls == 1 else 's'})"
    )


def arguments_of(steps: Sequence[PlannedStep]) -> dict[str, Any]:
    return {"steps": [step.row for step in steps]}


def bind(arguments: dict[str, Any], effect: str) -> str:
    """What a decision is about: exactly this plan."""
    return digest([KIND, arguments, effect])


def add_steps(plan: Plan, steps: Sequence[PlannedStep], first: int) -> None:
    PlanStep.objects.bulk_create(
        PlanStep(plan=plan, position=position, **step.row) for position, step in enumerate(steps, first)
    )
