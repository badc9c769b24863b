"""A tool call as what an approval is about: a decision changes the call, its run and the run's events together."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from agentops.core.errors import Conflict
from agentops.core.states import CallStatus, WaitingOn
from agentops.core.tools import ToolResult
from agentops.live import publish
from approvals.actions import close_requests
from approvals.models import ApprovalRequest, Decision

from .late import add_events
from .models import Run, ToolCall
from .wake import hint_on_commit

KIND = "tool_call"

OUTCOMES = {
    "approve": CallStatus.APPROVED,
    "reject": CallStatus.REJECTED,
    "expire": CallStatus.EXPIRED,
    "done": CallStatus.DONE_BY_PERSON,
}
"""held → what a decision makes of the call."""


class ToolCallSubject:
    """Implements `approvals.subjects.Subject`."""

    def lock(self, subject_id: str) -> None:
        """Lock the run: its row orders everything that happens to it."""
        list(Run.objects.select_for_update(of=("self",)).filter(call_set__pk=int(subject_id)).values_list("pk"))

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Raises Conflict when the call is no longer what was shown."""
        call = ToolCall.objects.select_related("run").get(pk=int(request.subject_id))
        outcome = OUTCOMES.get(decision.decision)
        if outcome is None:
            return
        if call.status != CallStatus.HELD:
            raise Conflict(f"The call is {call.get_status_display().lower()} and waits for no decision any more.")
        if call.bound_hash != request.bound_hash:
            raise Conflict("What would be executed is not what this request shows. Nothing was decided.")
        changed: dict[str, Any] = {"status": outcome, "resolved_by_name": decision.by_name}
        if outcome is CallStatus.APPROVED:
            changed["dispatch_at"] = Now()
        else:
            changed |= {"ended_at": Now(), "result": asdict(_told(outcome, request, decision))}
        ToolCall.objects.filter(pk=call.pk).update(**changed)
        by = decision.by_name or ("the countdown" if decision.via == ApprovalRequest.Via.TIMER else "the system")
        data = {
            "step": request.context.get("step"),
            "call": call.pk,
            "tool": call.tool,
            "status": outcome,
            "by": by,
        }
        wake(call.run, [("call.changed", data)], WaitingOn.APPROVAL)


def held_calls(run_id: UUID | str) -> list[str]:
    """The subjects of a run that wait for a decision."""
    held = ToolCall.objects.filter(run_id=run_id, status=CallStatus.HELD)
    return [str(pk) for pk in held.values_list("pk", flat=True)]


def close_calls(run_id: UUID | str, why: str) -> None:
    """What has not begun of a run that ends will not be done, and waits for nobody. The run is locked."""
    close_requests(KIND, held_calls(run_id), why)
    waiting = [CallStatus.HELD, CallStatus.APPROVED, CallStatus.PROPOSED]
    ToolCall.objects.filter(run_id=run_id, status__in=waiting).update(status=CallStatus.CANCELLED, ended_at=Now())


def wake(run: Run, events: list[tuple[str, dict[str, Any]]], waited_on: WaitingOn) -> None:
    """Note what happened to a locked run and, if it waits for that, let it go on; a running one is poked."""
    run.refresh_from_db(fields=["seq", "status", "waiting_on"])
    numbered = add_events(run, events)
    if run.status == Run.Status.WAITING and run.waiting_on == waited_on:
        Run.objects.filter(pk=run.pk).update(wake_at=Now())
        hint_on_commit(run.pk)
    elif run.status == Run.Status.RUNNING:
        Run.objects.filter(pk=run.pk).update(poked=True)
    transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))


def _told(outcome: CallStatus, request: ApprovalRequest, decision: Decision) -> ToolResult:
    """What the agent is told; rejection, expiry and a person's deed stay distinct."""
    if outcome is CallStatus.DONE_BY_PERSON:
        return ToolResult("ok", summary=f"A person did this outside and reports: {request.outcome}")
    if outcome is CallStatus.EXPIRED:
        return ToolResult(
            "error",
            error="Nobody decided in time, so it was not done.",
            hint="Go on without it and say so at the end.",
        )
    reason = f" Their reason: {decision.reason}" if decision.reason else ""
    return ToolResult(
        "error",
        error=f"A person rejected this action; it was not done.{reason}",
        hint="Do not try it again in another form. Go on without it, or give your final answer.",
    )
