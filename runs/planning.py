"""A run's plan in rows: stored, carried out step by step by runs below it, and shown.

All that changes a plan does so under the lock of its run. A worker that takes the run finds here how the plan stands:
nothing of it is in anybody's memory alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from agentops.core.tools import Tier, digest
from agentops.engine import plans
from agentops.engine.plans import Outcome, PlannedStep, Room, Stage, Stand
from agentops.tools.builtin.delegate import NAME as DELEGATE
from agentops.tools.envelope import wrap
from approvals.actions import close_requests, open_request
from approvals.models import ApprovalRequest
from approvals.policy import Verdict

from . import children
from .children import Events, Left
from .choosing import own_limits
from .models import AgentVersion, Plan, PlanStep, Run, Step

KIND = "plan"
"""Of the approval requests of plans."""

TRIES = 2
MOST_PASSED_ON = 8_000
"""Characters of a step's result that each step after it is given."""

REVIEW = Verdict(Tier.HIGH, "", "Plans of this agent begin when a person has approved them.", "", None, None, "")


# ── what the engine asks ───────────────────────────────────────────────────────────────────────


def advance(run: Run) -> tuple[Stand, Events]:
    """Of a locked run: take in what has ended, start what is ready, and say how the plan stands."""
    latest = run.plans.order_by("-number").first()
    if latest is None or latest.status == Plan.Status.REJECTED:
        return _missing(run, latest), []
    if latest.status == Plan.Status.DONE:
        return _finished(run, latest), []
    events: Events = []
    if latest.status == Plan.Status.IN_REVIEW:
        wait = _begin_if_due(latest, events)
        if latest.status == Plan.Status.IN_REVIEW:
            return Stand(Stage.IN_REVIEW, _room(run), wake_after=wait), events
    steps = list(latest.steps.all())
    before = {step.key: (step.status, step.tries) for step in steps}
    _collect(run, steps)
    _start_ready(run, steps, events)
    changed = {step.key: step.status for step in steps if before[step.key] != (step.status, step.tries)}
    if changed:
        events.append(("plan.changed", {"plan": latest.number, "steps": changed}))
    if _waits(run, steps):
        return Stand(Stage.WORKING, _room(run)), events
    failed = any(step.status == PlanStep.Status.FAILED for step in steps)
    if failed and not run.plans.filter(status=Plan.Status.SUPERSEDED).exists():
        done = _done(steps)
        return Stand(Stage.STUCK, _room(run, done), _outcomes(steps), refused=_refused(run, latest)), events
    _skip_the_rest(steps)
    latest.status = Plan.Status.DONE
    latest.save(update_fields=["status"])
    skipped = {step.key: step.status for step in steps if step.status == PlanStep.Status.SKIPPED}
    events.append(("plan.changed", {"plan": latest.number, "status": latest.status, "steps": skipped}))
    return _finished(run, latest), events


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
            step.status, step.result = PlanStep.Status.SKIPPED, _why_skipped(step, kept)
        step.save(force_insert=True)
    _add(plan, steps, len(kept))
    if reviewed:
        _ask(run, plan, number, steps)
    return [("plan.changed", {"plan": plan.number, "status": plan.status})]


def close_review(run_id: UUID | str, why: str) -> None:
    """The run ends: nobody need look at its plan any more. The run is locked."""
    waiting = Plan.objects.filter(run_id=run_id, status=Plan.Status.IN_REVIEW)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        close_requests(KIND, [str(pk) for pk in ids], why)
        Plan.objects.filter(pk__in=ids).update(status=Plan.Status.REJECTED)


# ── what a person does ─────────────────────────────────────────────────────────────────────────


def checked(run: Run, plan: Plan, value: Any) -> list[PlannedStep]:
    """A person's plan in place of one in review, by the same rules. Raises PlanRefused."""
    return plans.check(value, _room(run, _done(plan.steps.all())))


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


def _ask(run: Run, plan: Plan, number: int, steps: Sequence[PlannedStep]) -> None:
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


def _begin_if_due(plan: Plan, events: Events) -> float | None:
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
        _add(plan, steps, plan.steps.count())
    plan.status = Plan.Status.APPROVED
    plan.save(update_fields=["status", "edited_by_name"])
    events.append(("plan.changed", {"plan": plan.number, "status": plan.status, "by": request.decided_by_name}))
    return None


def request_of(plan: Plan) -> ApprovalRequest | None:
    """The newest; `now` is the time by the database's clock, which says when an approval takes effect."""
    mine = ApprovalRequest.objects.filter(subject_kind=KIND, subject_id=str(plan.pk)).annotate(now=Now())
    return mine.order_by("-created_at").first()


# ── carrying it out ────────────────────────────────────────────────────────────────────────────


def _collect(run: Run, steps: list[PlanStep]) -> None:
    """What the runs of steps under way have come to."""
    running = [step for step in steps if step.status == PlanStep.Status.RUNNING]
    found = Run.objects.filter(plan_step__in=[step.pk for step in running]).order_by("created_at")
    newest = {child.plan_step_id: child for child in found}
    for step in running:
        child = newest.get(step.pk)
        if child is not None and not child.is_final:
            continue
        if child is None:
            step.status, step.result = PlanStep.Status.PENDING, ""
        elif child.status == Run.Status.SUCCEEDED:
            step.status, step.result = PlanStep.Status.DONE, child.answer
        else:
            again = child.status == Run.Status.FAILED and step.tries < TRIES
            step.status = PlanStep.Status.PENDING if again else PlanStep.Status.FAILED
            step.result = _why_failed(child)
        step.save(update_fields=["status", "result"])
        if child is not None and child.tainted_by and not run.tainted_by:
            run.tainted_by = f"step {step.key}, which read {child.tainted_by}"[:300]
            Run.objects.filter(pk=run.pk).update(tainted_by=run.tainted_by)


def _why_failed(child: Run) -> str:
    if child.status == Run.Status.CANCELLED:
        return f"It was cancelled. {child.stop_detail}".strip()
    partial = f" It had come so far: {child.answer[:2_000]}" if child.answer else ""
    return f"It ended without a result ({child.stop_reason}). {child.stop_detail}{partial}".strip()


def _start_ready(run: Run, steps: list[PlanStep], events: Events) -> None:
    """As many as may run at once; a person who paused the run wants none to begin."""
    version = run.version
    if version is None or run.pause_requested:
        return
    by_key = {step.key: step for step in steps}
    living = sum(step.status == PlanStep.Status.RUNNING for step in steps)
    for key in _ready(steps):
        if living >= max(version.max_parallel_children, 1):
            return
        step = by_key[key]
        waiting = [other for other in steps if other.status == PlanStep.Status.PENDING]
        room = children.left(run)
        part = room.share(len(waiting) + 1)
        reserved = sum(other.max_tool_calls for other in waiting if other is not step)
        calls = min(step.max_tool_calls, max(room.tool_calls - reserved, 0))
        if part.cost_usd <= 0 or part.tokens <= 0 or (step.tools and calls < 1):
            step.status, step.result = PlanStep.Status.FAILED, _nothing_left(room, step)
            step.save(update_fields=["status", "result"])
            continue
        child = _start(run, version, step, by_key, part, calls)
        living += 1
        data = {"child": str(child.pk), "agent": child.agent_name, "plan_step": step.key}
        events.append(("child.started", data))


def _start(run: Run, version: AgentVersion, step: PlanStep, by_key: dict[str, PlanStep], part: Left, calls: int) -> Run:
    limits = own_limits(version)
    limits["max_cost_usd"] = min(part.cost_usd, limits["max_cost_usd"])
    limits["max_tokens"] = min(part.tokens, limits["max_tokens"])
    limits["max_tool_calls"] = calls
    goal = _goal(run, step, [by_key[key] for key in step.after if key in by_key])
    step.status, step.tries = PlanStep.Status.RUNNING, step.tries + 1
    step.save(update_fields=["status", "tries"])
    return children.start(
        run,
        version,
        agent_id=run.agent_id,
        goal=goal,
        inputs=run.inputs,
        plan_step=step,
        only_tools=step.tools,
        **limits,
    )


def _goal(run: Run, step: PlanStep, before: list[PlanStep]) -> str:
    """Focused: the instruction, why it is wanted, and the results it needs. What was read outside stays marked."""
    parts = [
        step.instruction,
        f"This is one step of a larger task, which others work on as well: “{run.goal[:1_000]}”. Do this step alone, "
        "and answer with its result, complete in itself.",
    ]
    for one in before:
        result = one.result[:MOST_PASSED_ON]
        parts.append(f"Result of the step “{one.title}”:\n{wrap(result, run.tainted_by) if run.tainted_by else result}")
    if step.tries:
        parts.append(f"An earlier try of this step failed: {step.result[:2_000]}")
    return "\n\n".join(parts)


def _ready(steps: list[PlanStep]) -> list[str]:
    return plans.ready({step.key: (step.status, step.after) for step in steps})


def _waits(run: Run, steps: list[PlanStep]) -> bool:
    """For steps under way, or for those that a pause keeps from beginning."""
    return any(step.status == PlanStep.Status.RUNNING for step in steps) or bool(_ready(steps))


def _skip_the_rest(steps: list[PlanStep]) -> None:
    for step in steps:
        if step.status == PlanStep.Status.PENDING:
            step.status, step.result = PlanStep.Status.SKIPPED, _why_skipped(step, steps)
            step.save(update_fields=["status", "result"])


def _why_skipped(step: PlanStep, steps: Sequence[PlanStep]) -> str:
    lacking = {one.key for one in steps if one.status in (PlanStep.Status.FAILED, PlanStep.Status.SKIPPED)}
    names = [f"“{key}”" for key in step.after if key in lacking]
    return f"Not begun: it needs the result of {', '.join(names)}." if names else "Not begun."


def _nothing_left(room: Left, step: PlanStep) -> str:
    if step.tools and room.cost_usd > 0 and room.tokens > 0:
        return "No tool calls were left for it."
    return f"Too little was left of the run's limits: {room.cost_usd:.4f} USD, {room.tokens:,} tokens."


def _add(plan: Plan, steps: Sequence[PlannedStep], first: int) -> None:
    PlanStep.objects.bulk_create(
        PlanStep(plan=plan, position=position, **step.row) for position, step in enumerate(steps, first)
    )


def _is_kept(step: PlanStep, goes_on: bool) -> bool:
    """A new plan keeps what is done; one that adds nothing keeps all, so that the answer can tell of it."""
    return step.status == PlanStep.Status.DONE or not goes_on


# ── how it stands ──────────────────────────────────────────────────────────────────────────────


def _missing(run: Run, rejected: Plan | None) -> Stand:
    done = _done(rejected.steps.all()) if rejected else frozenset[str]()
    request = request_of(rejected) if rejected else None
    reason = (request.decision_reason or request.outcome) if request else ""
    return Stand(
        Stage.MISSING,
        _room(run, done),
        rejected=rejected is not None,
        reason=reason,
        refused=_refused(run, rejected),
    )


def _finished(run: Run, plan: Plan) -> Stand:
    conversation = Step.objects.filter(run=run, kind__in=[Step.Kind.PLAN, Step.Kind.TURN])
    last = conversation.order_by("-number").values_list("kind", flat=True).first()
    untold = last == Step.Kind.PLAN
    return Stand(Stage.FINISHED, _room(run), _outcomes(plan.steps.all()) if untold else (), untold=untold)


def _refused(run: Run, latest: Plan | None) -> str:
    """What was wrong with what the model wrote since the latest plan."""
    last = Step.objects.filter(run=run, kind=Step.Kind.PLAN, status=Step.Status.ANSWERED).order_by("-number").first()
    if last is None or (latest is not None and latest.made_in_id == last.pk):
        return ""
    return str((last.details or {}).get("refused", ""))


def _room(run: Run, done: frozenset[str] = frozenset()) -> Room:
    version = run.version
    tools = tuple(version.tools) if version else ()
    if version and version.delegates_to and DELEGATE not in tools:
        tools = (*tools, DELEGATE)
    most = min(plans.MOST_STEPS, version.max_children) if version else plans.MOST_STEPS
    return Room(tools, children.left(run).tool_calls, most, done)


def _done(steps: Any) -> frozenset[str]:
    return frozenset(step.key for step in steps if step.status == PlanStep.Status.DONE)


def _outcomes(steps: Any) -> tuple[Outcome, ...]:
    names = {PlanStep.Status.PENDING: "not begun"}
    return tuple(
        Outcome(step.key, step.title, names.get(step.status, step.status), step.result or _why_skipped(step, steps))
        if step.status == PlanStep.Status.PENDING
        else Outcome(step.key, step.title, step.status, step.result)
        for step in steps
    )


# ── for pages ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shown:
    """A step of a plan, with the runs that tried it, the latest last."""

    step: PlanStep
    runs: list[Run]


@dataclass(frozen=True, slots=True)
class Current:
    """The plan that counts, the ones before it, and the request that waits for a person."""

    plan: Plan
    steps: list[Shown]
    earlier: list[Plan]
    request: ApprovalRequest | None


def current(run: Run) -> Current | None:
    """The latest plan of a run, in a constant number of queries; None: it has none."""
    every = list(run.plans.order_by("number"))
    if not every:
        return None
    plan = every[-1]
    steps = list(plan.steps.all())
    tried: dict[Any, list[Run]] = defaultdict(list)
    for child in Run.objects.filter(plan_step__plan=plan).select_related("agent").order_by("created_at"):
        tried[child.plan_step_id].append(child)
    request = request_of(plan) if plan.status == Plan.Status.IN_REVIEW else None
    return Current(plan, [Shown(step, tried[step.pk]) for step in steps], every[:-1], request)
