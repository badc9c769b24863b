"""The page that asks before anything is taken back: what would be, what cannot be and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agentops.accounts.access import Right
from agentops.core.errors import Conflict, NotAllowed
from agentops.core.states import CallStatus
from agentops.tools.registry import registry
from runs import actions
from runs.actions.undoing import DONE, STILL, doers_below, is_taken, outcomes_of, plan, title_of
from runs.models import Run, ToolCall

from .seeing import visible_run


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = visible_run(request, run_id)
    if not request.actor.can(Right.OPERATE, run.team_id):
        raise PermissionDenied
    call = _call(request, run)
    if request.method == "POST":
        try:
            undo = actions.undo_call(request.actor, call.pk) if call else actions.undo_run(request.actor, run.pk)
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except Conflict as error:
            messages.error(request, str(error))
            return redirect("run", run.pk)
        return redirect("run", undo.pk)
    found = plan(run, "", call.pk if call else None)
    context = {
        "run": run,
        "call": call,
        "deeds": [{"call": each, "effect": effect} for each, effect in zip(found.calls, found.deeds, strict=True)],
        "left": found.left,
        "below": [] if call else [{"run": one, "title": title_of(one)} for one in doers_below(run)],
        "early": call is None and run.status not in STILL,
    }
    return render(request, "runs/undo.html", context)


def _call(request: HttpRequest, run: Run) -> ToolCall | None:
    asked = request.POST.get("call") or request.GET.get("call", "")
    if not asked:
        return None
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
    return get_object_or_404(run.call_set.select_related("step"), pk=number)


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of taking a call back: `undone`, `under_way`, `failed`; and the run that did it."""

    state: str
    run_id: UUID


def marks(calls: Iterable[ToolCall]) -> dict[int, Mark]:
    """By call. No query when none of them is taken back."""
    taken = [call for call in calls if call.undo_run_id]
    if not taken:
        return {}
    runs = Run.objects.only("status").in_bulk({call.undo_run_id for call in taken})
    outcomes = outcomes_of(taken)
    found = {}
    for call in taken:
        run = runs.get(call.undo_run_id)
        if run is None:
            continue
        call.undo_run = run
        tried = outcomes.get(call.pk)
        done = tried is not None and tried.run_id == run.pk and tried.status in DONE
        state = "undone" if done else "under_way" if is_taken(call, outcomes) else "failed"
        found[call.pk] = Mark(state, run.pk)
    return found


def can_undo(call: ToolCall) -> bool:
    """Its tool says how. Whether it is taken back already is another question."""
    tool = registry.get(call.tool)
    if tool is None or not tool.can_undo or call.status != CallStatus.SUCCEEDED:
        return False
    return tool.compensation(call.arguments, (call.result or {}).get("data")) is not None


def can_roll_back(run: Run) -> bool:
    """It stands still, and one of its tools says how to take back what it does; or a run below it did such a thing."""
    if run.status not in STILL:
        return False
    names = run.only_tools if run.only_tools is not None else (run.version.tools if run.version else [])
    tools = [tool for name in names if (tool := registry.get(name))]
    if run.tool_calls > 0 and any(tool.can_undo for tool in tools):
        return True
    return run.version is not None and run.version.starts_runs and bool(doers_below(run))
