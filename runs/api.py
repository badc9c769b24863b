"""REST of runs: start, watch, stop. Every change is an action's; this only parses and shows."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from ninja.responses import Status

from agentops.accounts.access import Actor
from agentops.rest import Cursor, IdempotencyKey, Limit, Page, access, page

from . import actions
from .models import Run, ToolCall
from .schemas import Cancellation, Events, NewRun, Resolution, RunOut, StepOut, ToolCallOut

router = Router(tags=["Runs"], auth=access("runs:read"))
WRITE = access("runs:write")


class Request(HttpRequest):
    """What the middleware and the authentication make of a request."""

    actor: Actor


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
    )
    response["Location"] = f"/api/runs/{run.pk}"
    return Status(201 if created else 200, run)


@router.get("", response=Page[RunOut], summary="List runs, newest first")
def list_runs(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[Run.Status | None, Query()] = None,
    agent: Annotated[str, Query(max_length=80)] = "",
    team: Annotated[str, Query(max_length=80, description="A team's slug.")] = "",
) -> dict[str, Any]:
    runs = _visible(request)
    if status:
        runs = runs.filter(status=status)
    if agent:
        runs = runs.filter(agent_name=agent)
    if team:
        runs = runs.filter(team__slug=team)
    return page(runs, cursor, limit)


@router.get("/{uuid:run_id}", response=RunOut, summary="Read a run")
def get_run(request: Request, run_id: UUID) -> Run:
    return _run(request, run_id)


@router.get("/{uuid:run_id}/steps", response=Page[StepOut], summary="List a run's steps")
def list_steps(request: Request, run_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(_run(request, run_id).step_set.all(), cursor, limit, order=("number", "id"))


@router.get("/{uuid:run_id}/tool-calls", response=Page[ToolCallOut], summary="List a run's tool calls")
def list_tool_calls(request: Request, run_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    calls = _run(request, run_id).call_set.select_related("step")
    return page(calls, cursor, limit, order=("step_id", "position"))


@router.get("/{uuid:run_id}/events", response=Events, summary="Read a run's events")
def list_events(
    request: Request,
    run_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**53, description="The last `seq` that you have.")] = 0,
    limit: Limit = 200,
) -> dict[str, Any]:
    """Numbered without gaps from 1. The socket `/ws/runs/{id}` sends the same as it happens."""
    run = _run(request, run_id)
    return {"items": run.events.filter(seq__gt=after).order_by("seq")[:limit], "seq": run.seq}


@router.post("/{uuid:run_id}/cancellation", response=RunOut, auth=WRITE, summary="Cancel a run")
def cancel_run(request: Request, run_id: UUID, body: Cancellation | None = None) -> Run:
    return _shown(actions.cancel_run(request.actor, run_id, reason=body.reason if body else ""))


@router.post("/{uuid:run_id}/suspension", response=RunOut, auth=WRITE, summary="Pause a run")
def pause_run(request: Request, run_id: UUID) -> Run:
    return _shown(actions.pause_run(request.actor, run_id))


@router.delete("/{uuid:run_id}/suspension", response=RunOut, auth=WRITE, summary="Resume a paused run")
def resume_run(request: Request, run_id: UUID) -> Run:
    return _shown(actions.resume_run(request.actor, run_id))


@router.post(
    "/{uuid:run_id}/tool-calls/{int:call_id}/resolution",
    response=ToolCallOut,
    auth=access("approvals:decide"),
    summary="Say what became of a call in doubt",
)
def resolve_in_doubt(request: Request, run_id: UUID, call_id: int, body: Resolution) -> ToolCall:
    call = get_object_or_404(_run(request, run_id).call_set, pk=call_id)
    actions.resolve_in_doubt(request.actor, call.pk, body.outcome, note=body.note)
    return ToolCall.objects.select_related("step").get(pk=call.pk)


def _visible(request: Request) -> QuerySet[Run]:
    return Run.objects.visible_to(request.actor).select_related("team", "version")


def _run(request: Request, run_id: UUID) -> Run:
    return get_object_or_404(_visible(request), pk=run_id)


def _shown(run: Run) -> Run:
    return Run.objects.select_related("team", "version").get(pk=run.pk)
