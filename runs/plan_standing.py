"""How it stands with a run's plan, told from its rows: what is done, what is left, what was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentops.engine import plans
from agentops.engine.plans import Outcome, Room, Stage, Stand
from agentops.tools.builtin.delegate import NAME as DELEGATE

from . import children
from .models import Plan, PlanStep, Run, Step


def finished(run: Run, plan: Plan) -> Stand:
    conversation = Step.objects.filter(run=run, kind__in=[Step.Kind.PLAN, Step.Kind.TURN])
    last = conversation.order_by("-number").values_list("kind", flat=True).first()
    untold = last == Step.Kind.PLAN
    return Stand(Stage.FINISHED, room_of(run), outcomes_of(plan.steps.all()) if untold else (), untold=untold)


def refused(run: Run, latest: Plan | None) -> str:
    """What was wrong with what the model wrote since the latest plan."""
    last = Step.objects.filter(run=run, kind=Step.Kind.PLAN, status=Step.Status.ANSWERED).order_by("-number").first()
    if last is None or (latest is not None and latest.made_in_id == last.pk):
        return ""
    return str((last.details or {}).get("refused", ""))


def room_of(run: Run, done: frozenset[str] = frozenset()) -> Room:
    """What a plan of this run must keep within now."""
    version = run.version
    tools = tuple(version.tools) if version else ()
    if version and version.delegates_to and DELEGATE not in tools:
        tools = (*tools, DELEGATE)
    most = min(plans.MOST_STEPS, version.max_children) if version else plans.MOST_STEPS
    return Room(tools, children.left(run).tool_calls, most, done)


def done_in(steps: Any) -> frozenset[str]:
    return frozenset(step.key for step in steps if step.status == PlanStep.Status.DONE)


def outcomes_of(steps: Any) -> tuple[Outcome, ...]:
    names = {PlanStep.Status.PENDING: "not begun"}
    return tuple(
        Outcome(step.key, step.title, names.get(step.status, step.status), step.result or why_skipped(step, steps))
        if step.status == PlanStep.Status.PENDING
        else Outcome(step.key, step.title, step.status, step.result)
        for step in steps
    )


def why_skipped(step: PlanStep, steps: Sequence[PlanStep]) -> str:
    lacking = {one.key for one in steps if one.status in (PlanStep.Status.FAILED, PlanStep.Status.SKIPPED)}
    names = [f"“{key}”" for key in step.after if key in lacking]
    return f"Not begun: it needs the result of {', '.join(names)}." if names else "Not begun."
