"""REST of what people do to requests: decide, take back, ask the agent, say that they are looking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja.responses import Status

from agentops.rest import IdempotencyKey, Request, access, once

from .. import actions
from ..models import ApprovalRequest, Inquiry
from .request_schemas import DecisionIn, DecisionsIn, DecisionsOut, InquiryOut, Question, RequestDetailOut
from .requests import detailed, router, visible

DECIDE = access("approvals:decide")


@router.post("/decisions", response=DecisionsOut, auth=DECIDE, summary="Decide several requests")
def decide_several(request: Request, body: DecisionsIn) -> dict[str, Any]:
    """Each by the same door as alone, so some may be decided and others not: `ok` says which, `detail` why. Critical
    actions and questions want their own look."""
    chosen = [(item.id, item.revision) for item in body.items]
    outcomes = actions.decide_many(
        request.actor, chosen, decision=body.decision, reason=body.reason, via=ApprovalRequest.Via.API
    )
    rows = visible(request).in_bulk([pk for pk, _ in chosen])
    return {
        "items": [
            {
                "id": outcome.request_id,
                "ok": outcome.ok,
                "detail": outcome.said,
                "request": rows.get(UUID(str(outcome.request_id))),
            }
            for outcome in outcomes
        ]
    }


@router.post(
    "/{uuid:request_id}/decision", response=RequestDetailOut, auth=DECIDE, summary="Decide an approval request"
)
def decide_request(request: Request, request_id: UUID, body: DecisionIn) -> ApprovalRequest:
    """`decision` is approve, reject, edit (with `arguments`), answer (with `answer`), done (critical, with `outcome`),
    hold, or take_back (what a person just approved). `revision` is the one that was looked at; 409 says who was first,
    when and with what."""
    actions.decide(
        request.actor,
        request_id,
        decision=body.decision,
        revision=body.revision,
        reason=body.reason,
        outcome=body.outcome,
        answer=body.answer,
        arguments=body.arguments,
        via=ApprovalRequest.Via.API,
    )
    return detailed(request).get(pk=request_id)


@router.post(
    "/{uuid:request_id}/questions",
    response={201: InquiryOut, 200: InquiryOut},
    auth=DECIDE,
    summary="Ask the agent before deciding",
)
def ask_agent(
    request: Request, request_id: UUID, body: Question, idempotency_key: IdempotencyKey = ""
) -> Status[Inquiry]:
    """The action stays held, its countdown too. The answer appears among the request's `inquiries`."""
    rows = visible(request).get(pk=request_id).inquiries.all()
    inquiry, new = once(
        request, idempotency_key, body, lambda: actions.ask(request.actor, request_id, question=body.question), rows
    )
    return Status(201 if new else 200, inquiry)


@router.put(
    "/{uuid:request_id}/claim", response=RequestDetailOut, auth=DECIDE, summary="Say that you are looking at it"
)
def claim_request(request: Request, request_id: UUID) -> ApprovalRequest:
    actions.claim(request.actor, request_id)
    return detailed(request).get(pk=request_id)


@router.delete("/{uuid:request_id}/claim", response=RequestDetailOut, auth=DECIDE, summary="Let others take it")
def unclaim_request(request: Request, request_id: UUID) -> ApprovalRequest:
    actions.unclaim(request.actor, request_id)
    return detailed(request).get(pk=request_id)
