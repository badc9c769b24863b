"""A run's plan in rows: what the engine asks of it. All that changes a plan does so under the lock of its run.

A worker that takes the run finds in the rows how the plan stands: nothing of it is in anybody's memory alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentops.engine.plans import PlannedStep, Stage, Stand

from . import plan_review
from .children import Events
from .models import AgentVersion, Plan, PlanStep, Run
from .plan_standing import done_in, finished, outcomes_of, refused, room_of, why_skipped
from .plan_work import collect, skip_the_rest, start_ready, waits


def advance(run: Run) -> tuple[Stand, Events]:
    """Of a locked run: take in what has ended, start what is ready, and say how the plan stands."""
    latest = run.plans.order_by("-number").first()
    if latest is None or latest.status == Plan.Status.REJECTED:
        return _missing(run, latest), []
    if latest.status == Plan.Status.DONE:
        return finished(run, latest), []
    events: Events = []
    if latest.status == Plan.Status.IN_REVIEW:
        wait = plan_review.begin_if_due(latest, events)
        if latest.status == Plan.Status.IN_REVIEW:
            return Stand(Stage.IN_REVIEW, room_of(run), wake_after=wait), events
    steps = list(latest.steps.all())
    before = {step.key: (step.status, step.tries) for step in steps}
    collect(run, steps)
    start_ready(run, steps, events)
    changed = {step.key: step.status for step in steps if before[step.key] != (step.status, step.tries)}
    if changed:
        events.append(("plan.changed", {"plan": latest.number, "steps": changed}))
    if waits(run, steps):
        return Stand(Stage.WORKING, room_of(run)), events
    failed = any(step.status == PlanStep.Status.FAILED for step in steps)
    if failed and not run.plans.filter(status=Plan.Status.SUPERSEDED).exists():
        done = done_in(steps)
        return Stand(Stage.STUCK, room_of(run, done), outcomes_of(steps), refused=refused(run, latest)), events
    skip_the_rest(steps)
    latest.status = Plan.Status.DONE
    latest.save(update_fields=["status"])
    skipped = {step.key: step.status for step in steps if step.status == PlanStep.Status.SKIPPED}
    events.append(("plan.changed", {"plan": latest.number, "status": latest.status, "steps": skipped}))
    return finished(run, latest), events


def store(run: Run, made_in: int, number: int, steps: Sequence[PlannedStep]) -> Events:
    """The plan from now on of a locked run, made in step `number`. What an earlier one has done is kept."""
    earlier = run.plans.order_by("-number").first()
    kept = [step for step in earlier.steps.all() if _is_kept(step, bool(steps))] if earlier else []
    if earlier is not None and earlier.status in Plan.CURRENT:
        Plan.objects.filter(pk=earlier.pk).update(status=Plan.Status.SUPERSEDED)
    version = run.version
    reviewed = bool(steps) and version is not None and version.planning == AgentVersion.Planning.REVIEWED
    plan = Plan.objects.create(
        run=run,
        number=earlier.number + 1 if earlier else 1,
        status=Plan.Status.IN_REVIEW if reviewed else Plan.Status.APPROVED,
        made_in_id=made_in,
    )
    for position, step in enumerate(kept):
        step.pk, step.plan, step.position = None, plan, position
        if step.status == PlanStep.Status.PENDING:
            step.status, step.result = PlanStep.Status.SKIPPED, why_skipped(step, kept)
        step.save(force_insert=True)
    plan_review.add_steps(plan, steps, len(kept))
    if reviewed:
        plan_review.ask(run, plan, number, steps)
    return [("plan.changed", {"plan": plan.number, "status": plan.status})]


def _is_kept(step: PlanStep, goes_on: bool) -> bool:
    """A new plan keeps what is done; one that adds nothing keeps all, so that the answer can tell of it."""
    return step.status == PlanStep.Status.DONE or not goes_on


def _missing(run: Run, rejected: Plan | None) -> Stand:
    done = done_in(rejected.steps.all()) if rejected else frozenset[str]()
    request = plan_review.request_of(rejected) if rejected else None
    reason = (request.decision_reason or request.outcome) if request else ""
    return Stand(
        Stage.MISSING,
        room_of(run, done),
        rejected=rejected is not None,
        reason=reason,
        refused=refused(run, rejected),
    )
