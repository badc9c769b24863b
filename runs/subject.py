"""A tool call as what an approval is about: a decision changes the call, its run and the run's events together."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now
from django.utils.translation import gettext as _

from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import CallStatus, WaitingOn
from agentops.core.tools import InvalidArguments, Tier, ToolResult
from agentops.engine.calls import bind
from agentops.live import publish
from agentops.tools.registry import registry
from approvals import policy
from approvals.actions import close_requests, unfreeze
from approvals.models import ApprovalRequest, Decision, Inquiry
from approvals.subjects import Amendment

from .late import add_events
from .models import Run, ToolCall
from .wake import hint_on_commit

KIND = "tool_call"

OUTCOMES = {
    "approve": CallStatus.APPROVED,
    "edit": CallStatus.APPROVED,
    "answer": CallStatus.ANSWERED,
    "reject": CallStatus.REJECTED,
    "expire": CallStatus.EXPIRED,
    "done": CallStatus.DONE_BY_PERSON,
}
"""held → what a decision makes of the call."""

_READ = ("status", "bound_hash", "tool", "run__team_id", "run__seq", "run__status", "run__waiting_on")
"""Of a call that is decided and its run: neither is read whole."""


class ToolCallSubject:
    """Implements `approvals.subjects.Subject`."""

    def lock(self, subject_id: str) -> None:
        """Lock the run: its row orders everything that happens to it."""
        list(Run.objects.select_for_update(of=("self",)).filter(call_set__pk=int(subject_id)).values_list("pk"))

    def amend(self, request: ApprovalRequest, arguments: dict[str, Any]) -> Amendment:
        """The tool checks the arguments, and the policy is asked again: an edit may not slip under a stricter rule."""
        call = ToolCall.objects.select_related("run").get(pk=int(request.subject_id))
        tool = registry.get(call.tool)
        if tool is None:
            raise InvalidInput(_("The tool %(tool)s is not installed any more.") % {"tool": call.tool}, "arguments")
        try:
            checked = tool.validate(arguments)
        except InvalidArguments as error:
            raise InvalidInput(str(error), "arguments") from error
        run = call.run
        verdict = policy.snapshot(run.team_id).verdict(
            tool=call.tool,
            own_tier=tool.tier,
            agent=run.agent_name,
            arguments=checked,
            tainted_by=run.tainted_by,
            facts={
                "reads_only": tool.reads_only,
                "cost_usd": run.cost_usd,
                "steps": run.steps,
                "tool_calls": run.tool_calls,
            },
        )
        if verdict.tier is Tier.CRITICAL:
            raise InvalidInput(
                _("With these arguments it is critical: %(reason)s.") % {"reason": verdict.reason}, "arguments"
            )
        effect = tool.effect_line(checked)
        return Amendment(checked, effect, bind(tool, checked, effect))

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Raises Conflict when the call is no longer what was shown."""
        if decision.decision == "hold":
            return
        call = ToolCall.objects.select_related("run").only(*_READ).get(pk=int(request.subject_id))
        taken_back = decision.decision == "take_back"
        before = CallStatus.APPROVED if taken_back else CallStatus.HELD
        outcome = CallStatus.HELD if taken_back else OUTCOMES[decision.decision]
        if call.status != before:
            raise Conflict(
                _("The call is %(status)s and waits for no decision any more.")
                % {"status": call.get_status_display().lower()}
            )
        shown = decision.details.get("before", {}).get("bound_hash", request.bound_hash)
        if call.bound_hash != shown and not taken_back:
            raise Conflict(_("What would be executed is not what this request shows. Nothing was decided."))
        changed: dict[str, Any] = {"status": outcome, "resolved_by_name": decision.by_name}
        if taken_back:
            changed |= {"resolved_by_name": "", "dispatch_at": None, "edited_by_name": "", **_bound(request)}
        elif outcome is CallStatus.APPROVED:
            changed["dispatch_at"] = request.takes_effect_at or Now()
            if decision.decision == "edit":
                changed |= {"edited_by_name": decision.by_name, **_bound(request)}
        else:
            changed |= {"ended_at": Now(), "result": asdict(_told(outcome, request, decision))}
        # A worker may be starting it in this moment: only one of the two finds the status it needs.
        if not ToolCall.objects.filter(pk=call.pk, status=before).update(**changed):
            raise Conflict(_("It is under way already; nothing was changed."))
        by = decision.by_name or ("the countdown" if decision.via == ApprovalRequest.Via.TIMER else "the system")
        data = {
            "step": request.context.get("step"),
            "call": call.pk,
            "tool": call.tool,
            "status": outcome,
            "by": by,
        }
        wake(call.run, [("call.changed", data)], at=changed.get("dispatch_at"))

    def taken_back(self, subject_ids: list[str]) -> set[str]:
        undone = ToolCall.objects.filter(undoes__in=[int(one) for one in subject_ids if one.isdecimal()])
        done = undone.filter(status__in=(CallStatus.SUCCEEDED, CallStatus.DONE_BY_PERSON))
        return {str(pk) for pk in done.values_list("undoes_id", flat=True)}

    def on_asked(self, inquiry: Inquiry) -> None:
        """The run wakes, answers beside its conversation, and waits again."""
        call = ToolCall.objects.select_related("run", "step").get(pk=int(inquiry.request.subject_id))
        person = {
            "by": inquiry.asked_by_name,
            "action": "asked the agent",
            "note": inquiry.question,
            "step": call.step.number,
            "call": call.pk,
        }
        wake(call.run, [("person.acted", person)], (*PEOPLE, WaitingOn.IN_DOUBT))


def _bound(request: ApprovalRequest) -> dict[str, Any]:
    return {"arguments": request.arguments, "effect": request.effect, "bound_hash": request.bound_hash}


def held_calls(run_id: UUID | str) -> list[str]:
    """The subjects of a run that wait for a decision."""
    held = ToolCall.objects.filter(run_id=run_id, status=CallStatus.HELD)
    return [str(pk) for pk in held.values_list("pk", flat=True)]


def close_calls(run_id: UUID | str, why: str) -> None:
    """What has not begun of a run that ends will not be done, and waits for nobody. The run is locked."""
    close_requests(KIND, held_calls(run_id), why)
    waiting = [CallStatus.HELD, CallStatus.APPROVED, CallStatus.PROPOSED]
    ToolCall.objects.filter(run_id=run_id, status__in=waiting).update(status=CallStatus.CANCELLED, ended_at=Now())


PEOPLE = (WaitingOn.APPROVAL, WaitingOn.ANSWER)


def wake(
    run: Run, events: list[tuple[str, dict[str, Any]]], waited_on: tuple[WaitingOn, ...] = PEOPLE, at: Any = None
) -> None:
    """Note what happened to a run, read under its lock, and let it go on if it waits for that; a running one is poked.

    `at`: not before then (a decision that may still be taken back); the sweep finds it when its time comes.
    """
    changes: dict[str, Any] = {}
    if run.status == Run.Status.WAITING and run.waiting_on in waited_on:
        later = isinstance(at, datetime)
        changes["wake_at"] = Least(F("wake_at"), at) if later else Now()
        if not later:
            hint_on_commit(run.pk)
    elif run.status == Run.Status.RUNNING:
        changes["poked"] = True
    elif run.status == Run.Status.PAUSED and run.taken_over_by and waited_on == PEOPLE:
        # Who took it over cannot resume it, and what was begun before is finished.
        unfreeze(KIND, held_calls(run.pk))
        changes |= {"status": Run.Status.QUEUED, "wake_at": at or Now(), "hinted_at": None}
        events = [*events, ("run.changed", {"status": "queued", "waiting_on": ""})]
        hint_on_commit(run.pk)
    numbered = add_events(run, events, **changes)
    transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))


def _told(outcome: CallStatus, request: ApprovalRequest, decision: Decision) -> ToolResult:
    """What the agent is told; rejection, expiry and a person's deed stay distinct."""
    if outcome is CallStatus.DONE_BY_PERSON:
        return ToolResult("ok", summary=f"A person did this outside and reports: {request.outcome}")
    if outcome is CallStatus.ANSWERED:
        return ToolResult("ok", data=request.outcome, summary=f"A person answered: {request.outcome}")
    if outcome is CallStatus.EXPIRED:
        return ToolResult(
            "error",
            error="Nobody decided in time, so it was not done.",
            hint="Go on without it and say so at the end.",
        )
    if request.wants == ApprovalRequest.Wants.ANSWER:
        said = f" They say: {decision.reason}" if decision.reason else ""
        return ToolResult("error", error=f"Nobody will answer this.{said}", hint="Go on with what you know.")
    reason = f" Their reason: {decision.reason}" if decision.reason else ""
    return ToolResult(
        "error",
        error=f"A person rejected this action; it was not done.{reason}",
        hint="Do not try it again in another form. Go on without it, or give your final answer.",
    )
