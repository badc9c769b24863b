"""REST of what people do to a run under way: say something, answer, raise limits, pause, cancel, let it go on."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja.responses import Status

from agentops.core.errors import InvalidInput
from agentops.rest import IdempotencyKey, Request, access, once

from .. import actions
from ..models import Run, RunMessage, ToolCall
from .run_schemas import Answer, Cancellation, Continuation, MessageOut, NewMessage, RaisedLimits, RunOut
from .runs import WRITE, router, run_of, shown
from .step_schemas import Resolution, ToolCallOut


@router.post(
    "/{uuid:run_id}/messages", response={201: MessageOut, 200: MessageOut}, auth=WRITE, summary="Redirect a run"
)
def send_message(
    request: Request, run_id: UUID, body: NewMessage, idempotency_key: IdempotencyKey = ""
) -> Status[RunMessage]:
    """Its next step reads the message."""
    rows = run_of(request, run_id).messages.select_related("step")
    message, new = once(
        request, idempotency_key, body, lambda: actions.send_message(request.actor, run_id, body.text), rows
    )
    return Status(201 if new else 200, message)


@router.post("/{uuid:run_id}/answers", response=ToolCallOut, auth=WRITE, summary="Answer what a run asks")
def answer_question(request: Request, run_id: UUID, body: Answer) -> ToolCall:
    """To an agent that waits for an answer (`waiting_on` is `answer`)."""
    call = actions.answer_question(request.actor, run_id, body.text, call_id=body.call, via="api")
    return call_out(call)


@router.patch("/{uuid:run_id}/limits", response=RunOut, auth=WRITE, summary="Raise a run's limits")
def raise_limits(request: Request, run_id: UUID, body: RaisedLimits) -> Run:
    """Beyond the agent's own cost limit only an admin of the team goes."""
    try:
        return shown(actions.raise_limits(request.actor, run_id, body.given()))
    except InvalidInput as error:
        # The action speaks of limits as a part; here they are the whole body.
        raise InvalidInput(str(error), error.field.removeprefix("limits.")) from error


@router.post("/{uuid:run_id}/continuation", response=RunOut, auth=WRITE, summary="Let a failed run go on")
def continue_run(request: Request, run_id: UUID, body: Continuation | None = None) -> Run:
    """From its last step; a step that failed is tried again. One that ended at a limit wants that limit raised."""
    limits = body.limits.given() if body else {}
    return shown(actions.continue_run(request.actor, run_id, limits=limits or None))


@router.post("/{uuid:run_id}/cancellation", response=RunOut, auth=WRITE, summary="Cancel a run")
def cancel_run(request: Request, run_id: UUID, body: Cancellation | None = None) -> Run:
    return shown(actions.cancel_run(request.actor, run_id, reason=body.reason if body else ""))


@router.post("/{uuid:run_id}/suspension", response=RunOut, auth=WRITE, summary="Pause a run")
def pause_run(request: Request, run_id: UUID) -> Run:
    return shown(actions.pause_run(request.actor, run_id))


@router.delete("/{uuid:run_id}/suspension", response=RunOut, auth=WRITE, summary="Resume a paused run")
def resume_run(request: Request, run_id: UUID) -> Run:
    return shown(actions.resume_run(request.actor, run_id))


@router.post(
    "/{uuid:run_id}/tool-calls/{int:call_id}/resolution",
    response=ToolCallOut,
    auth=access("approvals:decide"),
    summary="Say what became of a call in doubt",
)
def resolve_in_doubt(request: Request, run_id: UUID, call_id: int, body: Resolution) -> ToolCall:
    call = get_object_or_404(run_of(request, run_id).call_set, pk=call_id)
    actions.resolve_in_doubt(request.actor, call.pk, body.outcome, note=body.note)
    return call_out(call)


def call_out(call: ToolCall) -> ToolCall:
    return ToolCall.objects.select_related("step").get(pk=call.pk)
