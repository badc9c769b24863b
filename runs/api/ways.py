"""REST of another way: fork a run, take it over, take back what it did, look up what is in doubt."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja.responses import Status
from pydantic import Field

from agentops.rest import Body, IdempotencyKey, Request, once

from .. import actions
from ..models import Run, ToolCall
from .control import call_out
from .run_schemas import INT, MAX_GOAL, MAX_MESSAGE, Limits, RunOut
from .runs import WRITE, router, run_of, shown, visible
from .step_schemas import ToolCallOut


class Fork(Body):
    step: int = Field(gt=0, le=INT, strict=True, description="The turn that is taken anew.", examples=[3])
    words: str = Field(
        "", max_length=MAX_MESSAGE, description="Said to the agent there.", examples=["Ask the warehouse first."]
    )
    version: Literal["same", "live"] = Field("same", description="The agent's version: the run's own, or the live one.")
    limits: Limits = Field(default_factory=Limits, examples=[{"max_cost_usd": "0.50"}])
    goal: str | None = Field(
        None, max_length=MAX_GOAL, description="Another goal; only where it begins at step 1.", examples=[None]
    )


class OrderIn(Body):
    tool: str = Field(max_length=128, description="One of the agent's tools.", examples=["send_email"])
    arguments: dict[str, Any] = Field(
        {},
        description="Checked against the tool's schema.",
        examples=[{"to": "ada@example.com", "subject": "Your order", "body": "It is on its way."}],
    )
    note: str = Field("", max_length=500, description="Why; the agent reads it.", examples=["She called."])


@router.post("/{uuid:run_id}/forks", response={201: RunOut, 200: RunOut}, auth=WRITE, summary="Fork a run")
def fork_run(
    request: Request, response: HttpResponse, run_id: UUID, body: Fork, idempotency_key: IdempotencyKey = ""
) -> Status[Run]:
    """A new run that remembers the steps before `step` and goes another way from there. The run itself stays."""
    run_of(request, run_id)

    def make() -> Run:
        return actions.fork_run(
            request.actor,
            run_id,
            body.step,
            words=body.words,
            version=body.version,
            limits=body.limits.given(),
            goal=body.goal,
            via="api",
        )

    return _created(response, *once(request, idempotency_key, body, make, visible(request)))


@router.post("/{uuid:run_id}/takeover", response=RunOut, auth=WRITE, summary="Take a run over")
def take_over(request: Request, run_id: UUID) -> Run:
    """The agent is asked no more. What was begun is finished; then the run is `paused` until a call is ordered."""
    return shown(actions.take_over(request.actor, run_id))


@router.delete("/{uuid:run_id}/takeover", response=RunOut, auth=WRITE, summary="Hand a run back")
def hand_back(request: Request, run_id: UUID) -> Run:
    """The agent goes on from there. What it should know besides is a message."""
    return shown(actions.hand_back(request.actor, run_id))


@router.post("/{uuid:run_id}/orders", response={201: RunOut, 200: RunOut}, auth=WRITE, summary="Choose a run's call")
def order_call(
    request: Request, response: HttpResponse, run_id: UUID, body: OrderIn, idempotency_key: IdempotencyKey = ""
) -> Status[Run]:
    """In the agent's place, by who has taken the run over; one at a time. It goes under the policy as every call."""
    run_of(request, run_id)

    def make() -> Run:
        return actions.order_call(request.actor, run_id, body.tool, body.arguments, note=body.note)

    return _created(response, *once(request, idempotency_key, body, make, visible(request)))


@router.post("/{uuid:run_id}/undo", response={201: RunOut, 200: RunOut}, auth=WRITE, summary="Roll a run back")
def undo_run(
    request: Request, response: HttpResponse, run_id: UUID, idempotency_key: IdempotencyKey = ""
) -> Status[Run]:
    """A new run takes back what can be, last deed first, each under the policy; its `answer` reports the rest."""
    run_of(request, run_id)

    def make() -> Run:
        return actions.undo_run(request.actor, run_id, via="api")

    return _created(response, *once(request, idempotency_key, Body(), make, visible(request)))


@router.post(
    "/{uuid:run_id}/tool-calls/{int:call_id}/undo",
    response={201: RunOut, 200: RunOut},
    auth=WRITE,
    summary="Take one call back",
)
def undo_call(
    request: Request, response: HttpResponse, run_id: UUID, call_id: int, idempotency_key: IdempotencyKey = ""
) -> Status[Run]:
    """As rolling back, for this call alone. The answer is the run that does it; a run that goes on is told."""
    get_object_or_404(run_of(request, run_id).call_set, pk=call_id)

    def make() -> Run:
        return actions.undo_call(request.actor, call_id, via="api")

    return _created(response, *once(request, idempotency_key, Body(), make, visible(request)))


@router.post(
    "/{uuid:run_id}/tool-calls/{int:call_id}/verification",
    response=ToolCallOut,
    auth=WRITE,
    summary="Look up a call in doubt",
)
def look_up(request: Request, run_id: UUID, call_id: int) -> ToolCall:
    """Asks the outside system, where the tool can. The answer comes later, in the call's `verified`."""
    call = get_object_or_404(run_of(request, run_id).call_set, pk=call_id)
    actions.look_up(request.actor, call.pk)
    return call_out(call)


def _created(response: HttpResponse, run: Run, new: bool) -> Status[Run]:
    response["Location"] = f"/api/runs/{run.pk}"
    return Status(201 if new else 200, shown(run))
