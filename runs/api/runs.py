"""REST of runs: start them, find them, read what they did. Every change is an action's; this only parses and shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from ninja.responses import Status

from agentops.rest import Cursor, IdempotencyKey, Limit, Page, Request, access, moment, page
from approvals.api.newest import newest
from approvals.pages.search import query

from .. import actions
from ..models import Run, RunWords
from .run_schemas import MessageOut, NewRun, Outcome, RunOut, RunStatus, WaitingOn
from .step_schemas import Events, StepOut, ToolCallOut

router = Router(tags=["Runs"], auth=access("runs:read"))
WRITE = access("runs:write")


@router.post("", response={201: RunOut, 200: RunOut}, auth=WRITE, summary="Start a run")
def start_run(
    request: Request, response: HttpResponse, body: NewRun, idempotency_key: IdempotencyKey = ""
) -> Status[Run]:
    """201 with the new run; 200 with the run of before when the idempotency key and the body are the same."""
    run, created = actions.start_run(
        request.actor,
        agent=body.agent,
        goal=body.goal,
        inputs=body.inputs,
        limits=body.limits.given(),
        via="api",
        idempotency_key=idempotency_key,
        team=body.team,
        priority=body.priority,
    )
    response["Location"] = f"/api/runs/{run.pk}"
    return Status(201 if created else 200, run)


@router.get("", response=Page[RunOut], summary="List runs, newest first")
def list_runs(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[RunStatus | None, Query()] = None,
    waiting_on: Annotated[WaitingOn | None, Query(description="What a waiting run waits for.")] = None,
    outcome: Annotated[Outcome | None, Query(description="Whether the task was completed.")] = None,
    agent: Annotated[str, Query(max_length=80)] = "",
    team: Annotated[str, Query(max_length=80, description="A team's slug.")] = "",
    parent: Annotated[UUID | None, Query(description="The run that started them.")] = None,
    q: Annotated[str, Query(max_length=200, description="Words of the goal and the answer.")] = "",
    start: Annotated[datetime | None, Query(alias="from", description="Made at or after this time.")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="Made before this time.")] = None,
) -> dict[str, Any]:
    words = query(q)
    wanted = {
        "words__vector": words,
        "status": status,
        "waiting_on": waiting_on,
        "outcome": outcome,
        "agent_name": agent,
        "team__slug": team,
        "created_at__gte": moment(start, "from"),
        "created_at__lt": moment(end, "to"),
    }
    rest = Q(**{name: value for name, value in wanted.items() if value})
    few = RunWords.objects.filter(vector=words) if words else None
    runs = visible(request)
    return newest(runs.filter(parent=parent) if parent else runs, rest, cursor, limit, few)


@router.get("/{uuid:run_id}", response=RunOut, summary="Read a run")
def get_run(request: Request, run_id: UUID) -> Run:
    return run_of(request, run_id)


@router.get("/{uuid:run_id}/steps", response=Page[StepOut], summary="List a run's steps")
def list_steps(request: Request, run_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(run_of(request, run_id).step_set.all(), cursor, limit, order=("number", "id"))


@router.get("/{uuid:run_id}/tool-calls", response=Page[ToolCallOut], summary="List a run's tool calls")
def list_tool_calls(request: Request, run_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    calls = run_of(request, run_id).call_set.select_related("step")
    return page(calls, cursor, limit, order=("step_id", "position"))


@router.get("/{uuid:run_id}/messages", response=Page[MessageOut], summary="List what people said to a run")
def list_messages(request: Request, run_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    messages = run_of(request, run_id).messages.select_related("step")
    return page(messages, cursor, limit, order=("sent_at", "id"))


@router.get("/{uuid:run_id}/events", response=Events, summary="Read a run's events")
def list_events(
    request: Request,
    run_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**53, description="The last `seq` that you have.")] = 0,
    limit: Limit = 200,
) -> dict[str, Any]:
    """Numbered without gaps from 1. The socket `/ws/runs/{id}` sends the same as it happens."""
    run = run_of(request, run_id)
    return {"items": run.events.filter(seq__gt=after).order_by("seq")[:limit], "seq": run.seq}


def visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).select_related("team", "version")


def run_of(request: Request, run_id: UUID) -> Run:
    return get_object_or_404(visible(request), pk=run_id)


def shown(run: Run) -> Run:
    """As it is now, with what the answer needs."""
    return Run.objects.select_related("team", "version").get(pk=run.pk)
