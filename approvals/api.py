"""REST for the review queue: list, look, decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import StrictInt

from agentops.rest import Body, Cursor, Limit, Page, access, page

from .actions import decide
from .models import ApprovalRequest

router = Router(tags=["approvals"])


class SubjectOut(Schema):
    kind: str
    id: str


class RequestOut(Schema):
    id: UUID
    revision: int
    status: ApprovalRequest.Status
    tier: str
    tool: str
    arguments: dict[str, Any]
    effect: str
    reason: str
    rule: str
    rule_error: str
    policy_version: int | None
    deadline: datetime | None
    on_deadline: str
    subject: SubjectOut
    agent: str
    tainted_by: str
    context: dict[str, Any]
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    decided_via: str
    decision_reason: str
    outcome: str

    @staticmethod
    def resolve_policy_version(request: ApprovalRequest) -> int | None:
        return request.policy_version.number if request.policy_version else None

    @staticmethod
    def resolve_deadline(request: ApprovalRequest) -> datetime | None:
        return request.decide_at

    @staticmethod
    def resolve_subject(request: ApprovalRequest) -> dict[str, str]:
        return {"kind": request.subject_kind, "id": request.subject_id}

    @staticmethod
    def resolve_decided_by(request: ApprovalRequest) -> str:
        return request.decided_by_name


class HistoryOut(Schema):
    revision: int
    decision: str
    by: str
    via: str
    reason: str
    at: datetime

    @staticmethod
    def resolve_by(decision: Any) -> str:
        return decision.by_name


class RequestDetailOut(RequestOut):
    history: list[HistoryOut]

    @staticmethod
    def resolve_history(request: ApprovalRequest) -> list[Any]:
        return list(request.history.all())


class DecisionIn(Body):
    decision: str
    revision: StrictInt
    reason: str = ""
    outcome: str = ""


@router.get("", response=Page[RequestOut], auth=access("approvals:read"))
def list_requests(
    request: HttpRequest, status: ApprovalRequest.Status | None = None, cursor: Cursor = "", limit: Limit = 50
) -> Any:
    """Newest first."""
    rows = _visible(request)
    return page(rows.filter(status=status) if status else rows, cursor, limit)


@router.get("/{uuid:request_id}", response=RequestDetailOut, auth=access("approvals:read"))
def get_request(request: HttpRequest, request_id: UUID) -> Any:
    return _visible(request).get(pk=request_id)


@router.post("/{uuid:request_id}/decision", response=RequestDetailOut, auth=access("approvals:decide"))
def decide_request(request: HttpRequest, request_id: UUID, body: DecisionIn) -> Any:
    """`decision` is approve, reject, done (critical, with `outcome`) or hold. `revision` is the one that was
    looked at; 409 says who was first, when and with what."""
    return decide(
        request.actor,
        request_id,
        decision=body.decision,
        revision=body.revision,
        reason=body.reason,
        outcome=body.outcome,
        via=ApprovalRequest.Via.API,
    )


def _visible(request: HttpRequest) -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.visible_to(request.actor).select_related("policy_version")
