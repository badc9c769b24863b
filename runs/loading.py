"""Reads a run's rows into the engine's state, when a worker takes it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from agentops.core.messages import Message
from agentops.core.states import CALL_FINAL, CallStatus
from agentops.core.tools import ToolResult
from agentops.engine.answers import as_sent
from agentops.engine.record import KEPT, NOTE, did_it, note, outcome
from agentops.engine.state import AgentSpec, Asked, Call, Deed, Limits, OpenStep, Order, RunState
from agentops.tools.builtin.delegate import NAME as DELEGATE
from agentops.tools.registry import registry
from approvals.models import Inquiry

from . import children, compacting, history, judgements, plan_review, subject
from .models import Agent, AgentVersion, Plan, Run, Step, ToolCall
from .reading import calls_of_step, run_with_version, steps_of


def load(run_id: str, fence: int) -> tuple[RunState, Run]:
    run = run_with_version(run_id)
    state = RunState(
        id=run_id,
        team_id=run.team_id,
        goal=run.goal,
        inputs=run.inputs,
        agent=spec_of(run),
        limits=limits_of(run),
        fence=fence,
        steps=run.steps,
        tool_calls=run.tool_calls,
        tokens=run.input_tokens + run.output_tokens,
        cost_usd=run.cost_usd,
        active_ms=run.active_ms,
        tainted_by=run.tainted_by,
        tries=run.recoveries,
        orders=[Order(**order) for order in run.orders],
        taken_over=bool(run.taken_over_by),
        undoing=run.undoes_id is not None,
        workspace_of=str(history.worked_in(run)) if run.undoes_id else "",
        forked_from=str(run.forked_from_id or ""),
    )
    parts = history.parts_of(run)
    for row in steps_of(parts):
        _append(state, row)
    if run.forked_from_id and not (state.turn and state.turn >= (run.forked_step or 1)):
        state.begin_with, state.begin_words = _fork_message(run, parts), run.fork_words
    if state.step_id:
        state.calls = [as_call(call, fence) for call in calls_of_step(state.step_id)]
        state.asked = _asked(state.calls)
    if run.version and run.version.starts_runs:
        state.lent = children.lent(run.pk)
    if state.agent.plans:
        state.asked += _asked_of_plan(run)
    _remember(state, parts)
    return state, run


def _fork_message(run: Run, parts: list[history.Part]) -> Message | None:
    """What the step was told at which the fork begins; None for the first, which is told the goal anew."""
    if run.forked_step == 1:
        return None
    earlier = Step.objects.filter(run_id__in=[part[0] for part in parts[1:]], number=run.forked_step)
    # Of several runs with a step of that number, the nearest one's counts.
    order = {part[0]: index for index, part in enumerate(parts)}
    found = sorted(earlier.values_list("run_id", "input"), key=lambda row: order[row[0]])
    return found[0][1] if found else None


def _remember(state: RunState, parts: list[history.Part]) -> None:
    """What was done and noted before the last step, whose calls the engine adds itself."""
    if state.agent.success:
        state.used = _used(state, parts)
    if state.turn < 2:
        return
    calls = ToolCall.objects.filter(history.of_parts(parts, "step__number")).exclude(step_id=state.step_id)
    final = calls.filter(status__in=CALL_FINAL).exclude(status=CallStatus.INVALID)
    deeds = final.exclude(tool__in=reading_tools())
    latest = list(
        deeds.order_by("-id").values_list("step__number", "effect", "tool", "status", "result__error")[: KEPT + 1]
    )
    state.deeds = [
        Deed(number, effect or tool, outcome(CallStatus(status), error or ""))
        for number, effect, tool, status, error in reversed(latest[:KEPT])
    ]
    state.deeds_before = max(deeds.count() - KEPT, 0) if len(latest) > KEPT else 0
    if NOTE in state.agent.tools:
        notes = final.filter(tool=NOTE, status=CallStatus.SUCCEEDED).order_by("id")
        for arguments in notes.values_list("arguments", flat=True):
            note(state.facts, arguments)


def _used(state: RunState, parts: list[history.Part]) -> set[str]:
    """Tools that did what they were called for, in this run and in those that carried out the steps of its plan."""
    mine = history.of_parts(parts, "step__number")
    calls = ToolCall.objects.filter(mine | Q(run__parent=state.id, run__plan_step__isnull=False))
    final = calls.filter(status__in=CALL_FINAL).values_list("tool", "status").distinct()
    return {tool for tool, status in final if did_it(CallStatus(status), asks_person(tool))}


def reading_tools() -> list[str]:
    return [name for name in registry.names() if (tool := registry.get(name)) and tool.reads_only]


def _asked_of_plan(run: Run) -> list[Asked]:
    """What a person asks before deciding about the run's plan."""
    ids = [str(pk) for pk in run.plans.filter(status=Plan.Status.IN_REVIEW).values_list("pk", flat=True)]
    return [
        Asked(inquiry.pk, inquiry.asked_by_name, inquiry.question, inquiry.request.effect)
        for inquiry in (Inquiry.objects.open_about(plan_review.KIND, ids) if ids else ())
    ]


def _asked(calls: list[Call]) -> list[Asked]:
    held = [str(call.id) for call in calls if call.status is CallStatus.HELD]
    if not held:
        return []
    return [
        Asked(inquiry.pk, inquiry.asked_by_name, inquiry.question, inquiry.request.effect)
        for inquiry in Inquiry.objects.open_about(subject.KIND, held)
    ]


def _append(state: RunState, row: dict[str, Any]) -> None:
    if row["kind"] == Step.Kind.ASIDE:
        if row["status"] == Step.Status.CALLING and str(row["run_id"]) == state.id:
            state.cut_off_aside = OpenStep(row["id"], row["number"])
        return
    if row["kind"] == Step.Kind.COMPACTION:
        compacting.again(state, row)
        return
    if row["kind"] == Step.Kind.JUDGE:
        judgements.again(state, row)
        return
    state.judgements = []
    message: Message = row["input"]
    state.messages.append(message)
    state.step_id, state.turn = row["id"], row["number"]
    if row["status"] == Step.Status.ANSWERED:
        state.messages.append({"role": "assistant", "content": as_sent(row["output"], row["stop_reason"])})
        state.stop_reason = row["stop_reason"]
        if row["kind"] == Step.Kind.ORDER:
            state.escalated = state.escalated or any(block.get("name") == "ask_human" for block in row["output"])
        else:
            state.known_tokens = row["input_tokens"] + row["output_tokens"]
            state.counted_messages, state.shortened = len(state.messages), False
    else:
        state.interrupted = OpenStep(row["id"], row["number"], row["kind"])


def as_call(row: ToolCall, fence: int) -> Call:
    """`row.now`: the time by the database's clock, the only one that says when an approval takes effect."""
    return Call(
        position=row.position,
        tool_use_id=row.tool_use_id,
        tool=row.tool,
        raw_arguments=row.raw_arguments,
        arguments=row.arguments,
        status=CallStatus(row.status),
        id=row.pk,
        tier=row.tier,
        effect=row.effect,
        idempotent=row.idempotent,
        reads_only=bool((tool := registry.get(row.tool)) and tool.reads_only),
        ordered_by=row.ordered_by,
        undoes=row.undoes_id,
        bound_hash=row.bound_hash,
        rule=row.rule,
        reason=row.reason,
        asks_person=asks_person(row.tool),
        starts_run=starts_run(row.tool),
        edited_by=row.edited_by_name,
        due_in=max((row.dispatch_at - row.now).total_seconds(), 0.0) if row.dispatch_at else 0.0,
        result=ToolResult(**row.result) if row.result else None,
        stale=row.status == CallStatus.EXECUTING and row.fence != fence and not starts_run(row.tool),
    )


def asks_person(name: str) -> bool:
    tool = registry.get(name)
    return tool is not None and tool.asks_person


def starts_run(name: str) -> bool:
    tool = registry.get(name)
    return tool is not None and tool.starts_run


def spec_of(run: Run) -> AgentSpec:
    version = run.version
    if version is None:
        raise AgentGone
    # A step of a plan, or a fork of one: it answers what its step asks for; the agent's own answer is its run's.
    part = run.only_tools is not None
    return AgentSpec(
        name=run.agent_name,
        title=version.agent.title,
        system_prompt=version.system_prompt,
        tools=tuple(version.tools if run.only_tools is None else run.only_tools),
        chain=tuple(version.model_chain),
        max_output_tokens=version.max_output_tokens,
        answer_schema=run.answer_schema or (None if part else version.answer_schema),
        success=() if part else tuple(version.success),
        delegates=_delegates(run, version),
        plans=version.plans and not part,
        summary_chain=tuple(version.summary_chain),
        context_tokens=version.context_tokens,
    )


def _delegates(run: Run, version: AgentVersion) -> tuple[tuple[str, str], ...]:
    """Those whom it may hand work to and that are there, in the order of its version."""
    if not version.delegates_to or (run.only_tools is not None and DELEGATE not in run.only_tools):
        return ()
    found = Agent.objects.filter(team_id=run.team_id, name__in=version.delegates_to, active=True, live__isnull=False)
    known = {agent.name: agent.description or agent.title for agent in found}
    return tuple((name, known[name]) for name in version.delegates_to if name in known)


def limits_of(run: Run) -> Limits:
    version: AgentVersion | None = run.version
    return Limits(
        max_steps=run.max_steps,
        max_tool_calls=run.max_tool_calls,
        max_parallel_calls=version.max_parallel_calls if version else 8,
        max_tokens=run.max_tokens,
        max_cost_usd=run.max_cost_usd,
        max_seconds=run.max_seconds,
    )


class AgentGone(Exception):
    """The agent was deleted with all its versions while the run waited."""
