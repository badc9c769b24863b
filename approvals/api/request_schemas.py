"""Approval requests, decisions and questions as REST shows and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictInt

from agentops.rest import Body, listed

from ..models import ApprovalRequest, Decision, Inquiry, Tier

RequestStatus = Annotated[ApprovalRequest.Status, listed(ApprovalRequest.Status)]
REVISION = "The one that was looked at."


class SubjectOut(Schema):
    kind: str = Field(examples=["tool_call"])
    id: str = Field(examples=["4711"])


class RequestOut(Schema):
    id: UUID
    revision: int = Field(examples=[1])
    status: RequestStatus
    wants: Annotated[ApprovalRequest.Wants, listed(ApprovalRequest.Wants)]
    tier: Tier = Field(examples=["high"])
    tool: str = Field(examples=["refund_order"])
    arguments: dict[str, Any] = Field(examples=[{"order": "A-1042", "amount": "129.00"}])
    effect: str = Field(examples=["Refund 129.00 USD to order A-1042"])
    reason: str = Field(description="Why it is here.", examples=["refund_order is high by its own setting"])
    rule: str = Field(description="The policy's rule; empty: the tool's own tier.", examples=[""])
    rule_error: str = Field(examples=[""])
    policy_version: int | None
    deadline: datetime | None
    on_deadline: str = Field(description="What happens then: approve, expire, or nothing.", examples=[""])
    takes_effect_at: datetime | None = Field(description="Until then an approval can be taken back.")
    subject: SubjectOut
    team: str = Field(description="The team's slug.", examples=["shop"])
    agent: str = Field(examples=["support-desk"])
    tainted_by: str = Field(examples=[""])
    context: dict[str, Any] = Field(examples=[{"goal": "Answer the mail that came in today."}])
    claimed_by: str = Field(description="Who is looking at it; binds nobody.", examples=[""])
    claimed_at: datetime | None
    created_at: datetime
    decided_at: datetime | None
    decided_by: str = Field(examples=[""])
    decided_via: str = Field(examples=[""])
    decision_reason: str = Field(examples=[""])
    outcome: str = Field(description="What the person reports or answers.", examples=[""])

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
    def resolve_team(request: ApprovalRequest) -> str:
        return request.team.slug

    @staticmethod
    def resolve_claimed_by(request: ApprovalRequest) -> str:
        return request.claimed_by_name

    @staticmethod
    def resolve_decided_by(request: ApprovalRequest) -> str:
        return request.decided_by_name


class HistoryOut(Schema):
    revision: int = Field(examples=[2])
    decision: str = Field(examples=["hold"])
    by: str = Field(examples=["ada"])
    via: str = Field(examples=["page"])
    reason: str = Field(examples=[""])
    details: dict[str, Any] = Field(description="Of an edit: the arguments and effect before.", examples=[{}])
    at: datetime

    @staticmethod
    def resolve_by(decision: Decision) -> str:
        return decision.by_name


class InquiryOut(Schema):
    """A question to the agent. It answers while the action stays held: `answer`, or `problem` when it cannot."""

    id: int
    question: str = Field(examples=["Why the whole amount?"])
    asked_by: str = Field(examples=["ada"])
    asked_at: datetime
    answer: str = Field(examples=["The parcel was lost; the customer asks for all of it."])
    problem: str = Field(examples=[""])
    answered_at: datetime | None

    @staticmethod
    def resolve_asked_by(inquiry: Inquiry) -> str:
        return inquiry.asked_by_name


class RequestDetailOut(RequestOut):
    input_schema: dict[str, Any] | None = Field(description="The tool's, for editing its arguments.", examples=[None])
    history: list[HistoryOut]
    inquiries: list[InquiryOut]

    @staticmethod
    def resolve_history(request: ApprovalRequest) -> list[Decision]:
        return list(request.history.all())

    @staticmethod
    def resolve_inquiries(request: ApprovalRequest) -> list[Inquiry]:
        return list(request.inquiries.all())


class DecisionIn(Body):
    decision: str = Field(max_length=20, examples=["approve"])
    revision: StrictInt = Field(description=REVISION, examples=[1])
    reason: str = Field("", examples=["The parcel is lost."])
    outcome: str = Field("", description="Of done: what you did and what came of it.", examples=[""])
    answer: str = Field("", description="Of answer: in the tool's place.", examples=[""])
    arguments: dict[str, Any] | None = Field(None, description="Of edit: all of them.", examples=[None])


class Chosen(Body):
    id: UUID
    revision: StrictInt = Field(description=REVISION, examples=[1])


class DecisionsIn(Body):
    decision: str = Field(max_length=20, description="approve, reject or hold", examples=["reject"])
    items: list[Chosen] = Field(min_length=1, max_length=200)
    reason: str = Field("", examples=["All of one broken run."])


class OutcomeOut(Schema):
    id: UUID
    ok: bool
    detail: str = Field(description="Why it was not decided.", examples=[""])
    request: RequestOut | None


class DecisionsOut(Schema):
    items: list[OutcomeOut]


class Question(Body):
    question: str = Field(min_length=1, max_length=2000, examples=["Why the whole amount?"])
