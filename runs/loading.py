"""Reads a run's rows into the engine's state, when a worker takes it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from agentops.core.messages import Message, text
from agentops.core.states import CallStatus
from agentops.core.tools import ToolResult
from agentops.engine.state import AgentSpec, Asked, Call, Limits, OpenStep, RunState
from agentops.tools.registry import registry
from approvals.models import Inquiry

from . import subject
from .models import AgentVersion, Run, Step, ToolCall


def load(run_id: str, fence: int) -> tuple[RunState, Run]:
    run = Run.objects.select_related("version__agent").get(pk=run_id)
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
    )
    rows = Step.objects.filter(run_id=run_id).values(
        "id", "number", "kind", "status", "input", "output", "input_tokens", "output_tokens"
    )
    for row in rows.order_by("number"):
        _append(state, row)
    if state.step_id:
        state.calls = [as_call(call, fence) for call in ToolCall.objects.filter(step_id=state.step_id)]
        state.asked = _asked(state.calls)
    return state, run


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
        if row["status"] == Step.Status.CALLING:
            state.cut_off_aside = OpenStep(row["id"], row["number"])
        return
    message: Message = row["input"]
    state.messages.append(message)
    state.step_id, state.turn = row["id"], row["number"]
    if row["status"] == Step.Status.ANSWERED:
        state.messages.append({"role": "assistant", "content": row["output"] or [text("(empty)")]})
        state.known_tokens = row["input_tokens"] + row["output_tokens"]
        state.counted_messages = len(state.messages)
    else:
        state.interrupted = OpenStep(row["id"], row["number"])


def as_call(row: ToolCall, fence: int) -> Call:
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
        bound_hash=row.bound_hash,
        rule=row.rule,
        reason=row.reason,
        asks_person=asks_person(row.tool),
        edited_by=row.edited_by_name,
        due_in=max((row.dispatch_at - timezone.now()).total_seconds(), 0.0) if row.dispatch_at else 0.0,
        result=ToolResult(**row.result) if row.result else None,
        stale=row.status == CallStatus.EXECUTING and row.fence != fence,
    )


def asks_person(name: str) -> bool:
    tool = registry.get(name)
    return tool is not None and tool.asks_person


def spec_of(run: Run) -> AgentSpec:
    version = run.version
    if version is None:
        raise AgentGone
    return AgentSpec(
        name=run.agent_name,
        title=version.agent.title,
        system_prompt=version.system_prompt,
        tools=tuple(version.tools),
        chain=tuple(version.model_chain),
        max_output_tokens=version.max_output_tokens,
    )


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
