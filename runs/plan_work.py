"""The steps of a plan that is under way: each ready one is carried out by a run below, whose end is its result."""

from __future__ import annotations

from agentops.core.states import CALL_FINAL, CallStatus
from agentops.engine import plans, record
from agentops.tools.envelope import wrap
from agentops.tools.registry import registry

from . import children
from .children import Events, Left
from .choosing import own_limits
from .models import AgentVersion, PlanStep, Run, ToolCall
from .plan_standing import why_skipped

TRIES = 2
MOST_PASSED_ON = 8_000
"""Characters of a step's result that each step after it is given."""
MOST_DEEDS = 40
"""Actions of earlier tries that the next one is told, the latest."""


def collect(run: Run, steps: list[PlanStep]) -> None:
    """What the runs of steps under way have come to."""
    running = [step for step in steps if step.status == PlanStep.Status.RUNNING]
    # By their ends, which the database's clock has set: a living one comes last.
    found = Run.objects.filter(plan_step__in=[step.pk for step in running]).order_by("ended_at")
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


def start_ready(run: Run, steps: list[PlanStep], events: Events) -> None:
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
        parts.append(f"Result of the step “{one.title}”:\n{_marked(run, one.result[:MOST_PASSED_ON])}")
    if step.tries:
        parts += [f"An earlier try of this step failed:\n{_marked(run, step.result[:2_000])}", *_did(run, step)]
    return "\n\n".join(parts)


def _did(run: Run, step: PlanStep) -> list[str]:
    """What earlier tries did, so that it is not done twice: an answer that failed tells nothing of it."""
    calls = ToolCall.objects.filter(run__plan_step=step, status__in=CALL_FINAL).exclude(status=CallStatus.INVALID)
    lines = []
    for call in calls.order_by("id"):
        if not ((tool := registry.get(call.tool)) and tool.reads_only):
            error = (call.result or {}).get("error") or ""
            lines.append(f"- {call.effect or call.tool}: {record.outcome(CallStatus(call.status), error)}")
    if not lines:
        return []
    told = "\n".join(lines[-MOST_DEEDS:])
    return [f"This was done already, or tried. What is done stays done: do not do it again.\n{_marked(run, told)}"]


def _marked(run: Run, text: str) -> str:
    """Of a run that has read content from outside, its steps' words may hold it."""
    return wrap(text, run.tainted_by) if run.tainted_by else text


def _nothing_left(room: Left, step: PlanStep) -> str:
    if step.tools and room.cost_usd > 0 and room.tokens > 0:
        return "No tool calls were left for it."
    return f"Too little was left of the run's limits: {room.cost_usd:.4f} USD, {room.tokens:,} tokens."


def _ready(steps: list[PlanStep]) -> list[str]:
    return plans.ready({step.key: (step.status, step.after) for step in steps})


def waits(run: Run, steps: list[PlanStep]) -> bool:
    """For steps under way, or for those that a pause keeps from beginning."""
    return any(step.status == PlanStep.Status.RUNNING for step in steps) or bool(_ready(steps))


def skip_the_rest(steps: list[PlanStep]) -> None:
    for step in steps:
        if step.status == PlanStep.Status.PENDING:
            step.status, step.result = PlanStep.Status.SKIPPED, why_skipped(step, steps)
            step.save(update_fields=["status", "result"])
