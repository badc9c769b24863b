"""What a run that takes back another's actions has come to, in words."""

from __future__ import annotations

from uuid import UUID

from agentops.core.states import CallStatus

from .models import Run, ToolCall


def report(run_id: UUID | str) -> str:
    """A line for each action: taken back, or why not; last those that never could be."""
    run = Run.objects.get(pk=run_id)
    lines = [_line(call) for call in ToolCall.objects.filter(run=run).select_related("undoes").order_by("id")]
    impossible = run.inputs.get("cannot_be_undone")
    left = [f"- Not undone: {line}" for line in impossible] if isinstance(impossible, list) else []
    return "\n".join([*lines, *left]) or "There was nothing to take back."


def _line(call: ToolCall) -> str:
    what = call.undoes.effect if call.undoes else call.effect or call.tool
    if call.status in (CallStatus.SUCCEEDED, CallStatus.DONE_BY_PERSON):
        return f"- Undone: {what} ({call.effect or call.tool})"
    result = call.result or {}
    why = result.get("error") or call.reason or call.get_status_display()
    return f"- Not undone: {what}: {why}"
