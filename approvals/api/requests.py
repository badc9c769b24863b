"""REST of approval requests: list them, look at one, wait for its decision."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from ninja import Query, Router

from agentops.accounts.access import Actor
from agentops.rest import Cursor, Limit, Page, Request, access

from ..models import ApprovalRequest, Tier
from ..pages.search import query
from .newest import newest
from .request_schemas import RequestDetailOut, RequestOut, RequestStatus
from .waiting import LONGEST, is_settled, until_decided

router = Router(tags=["Approvals"], auth=access("approvals:read"))


@router.get("", response=Page[RequestOut], summary="List approval requests, newest first")
def list_requests(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[RequestStatus | None, Query()] = None,
    tier: Annotated[Tier | None, Query()] = None,
    tool: Annotated[str, Query(max_length=128)] = "",
    agent: Annotated[str, Query(max_length=80)] = "",
    team: Annotated[str, Query(max_length=80, description="A team's slug.")] = "",
    run: Annotated[UUID | None, Query(description="The run that asks.")] = None,
    q: Annotated[str, Query(max_length=200, description="Words; the last one may be a beginning.")] = "",
) -> dict[str, Any]:
    wanted = {"status": status, "tier": tier, "tool": tool, "agent": agent, "team__slug": team, "words": query(q)}
    rest = Q(**{name: value for name, value in wanted.items() if value})
    few = ApprovalRequest.objects.filter(words=wanted["words"]) if wanted["words"] else None
    rows = visible(request)
    if run:
        rows = rows.alias(run=KT("context__run_id")).filter(run=str(run))
    return newest(rows, rest, cursor, limit, few)


@router.get("/{uuid:request_id}", response=RequestDetailOut, summary="Read an approval request")
async def get_request(
    request: Request,
    request_id: UUID,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST, description="Seconds to wait until it is decided; 0 answers at once.")
    ] = 0,
) -> ApprovalRequest:
    """With `wait`, the answer comes when the request is decided and cannot be taken back any more, or when the time
    is up: look at `status`."""
    found = await sync_to_async(_detail)(request, request_id)
    if wait and not found.settled:  # type: ignore[attr-defined]
        await sync_to_async(connections.close_all)()
        await until_decided(request_id, wait)
        found = await sync_to_async(_detail)(request, request_id)
    return found


def visible(request: Request) -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.visible_to(request.actor).select_related("policy_version", "team")


def detailed(request: Request) -> QuerySet[ApprovalRequest]:
    return visible(request).prefetch_related("history", "inquiries")


def _detail(request: Request, request_id: UUID) -> ApprovalRequest:
    """Whole: what is not loaded here cannot be loaded in the event loop. Rights are asked anew, after a wait too."""
    request.actor = Actor(request.actor.user, request.actor.token)
    return detailed(request).annotate(settled=is_settled()).get(pk=request_id)
