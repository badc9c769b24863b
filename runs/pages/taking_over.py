"""A person takes a run over: the tools to choose from, a form for the arguments of the next call, and the way back."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.tools import Tool
from approvals.pages import arguments
from approvals.pages.editing import typed_json
from runs import actions
from runs.actions.taking_over import hindrance, tool_of, tools_of
from runs.models import Run

from .controls import perform
from .seeing import visible_run
from .tool_lines import ToolLine, line, tiers_of


@require_POST
def begin(request: HttpRequest, run_id: UUID) -> HttpResponse:
    done = _("It is yours: the agent is asked no more until you hand it back.")
    return perform(request, run_id, lambda: actions.take_over(request.actor, run_id), done)


@require_POST
def end(request: HttpRequest, run_id: UUID) -> HttpResponse:
    words = request.POST.get("words", "").replace("\r\n", "\n")
    done = _("Handed back; the agent goes on from here.")
    return perform(request, run_id, lambda: actions.hand_back(request.actor, run_id, words), done)


@require_http_methods(["GET", "POST"])
def order(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """GET: the form for `tool`. POST: `to` turns it into the other tab, nothing is ordered; without `to` it is."""
    run = visible_run(request, run_id)
    if not request.actor.can(Right.OPERATE, run.team_id):
        raise PermissionDenied
    asked = request.POST if request.method == "POST" else request.GET
    try:
        tool = tool_of(run, asked.get("tool", ""))
    except InvalidInput as error:
        wrong = bool(asked.get("tool"))
        context = {"run": run, "tools": lines(run), "problem": str(error) if wrong else ""}
        context["hindrance"] = hindrance(run, request.actor)
        return render(request, "runs/order.html", context, status=422 if wrong else 200)
    if request.method == "GET":
        return _form(request, run, tool, {})
    return _ordered(request, run, tool)


def lines(run: Run) -> list[ToolLine]:
    tiers = tiers_of([run.team_id])
    return [line(tool.name, run.team_id, tiers) for tool in tools_of(run)]


def panel(run: Run, actor: Actor) -> dict[str, Any]:
    """What the run's page needs while somebody has the run; nothing costs a query otherwise."""
    if not run.taken_over_by or run.is_final:
        return {}
    mine = run.taken_over_by == str(actor)[:150]
    ready = mine and run.status != Run.Status.RUNNING and not run.orders
    return {"taken": {"mine": mine, "ready": ready, "tools": lines(run) if ready else []}}


def _ordered(request: HttpRequest, run: Run, tool: Tool) -> HttpResponse:
    typed = request.POST
    tab = "json" if typed.get("tab") == "json" else "form"
    try:
        base = typed_json(typed.get("base", "{}"))
        fields = arguments.fields(tool.spec.input_schema, base, base)
        values = typed_json(typed.get("json", "")) if tab == "json" else arguments.fill(fields, typed)
    except InvalidInput as error:
        return _form(request, run, tool, {}, tab=tab, text=typed.get("json", ""), problem=str(error), status=422)
    if any(one.problem for one in arguments.every(fields)):
        return _form(request, run, tool, base, fields=fields, status=422)
    if to := typed.get("to", ""):
        return _form(request, run, tool, values, tab="json" if to == "json" else "form")
    try:
        actions.order_call(request.actor, run.pk, tool.name, values, note=typed.get("note", ""))
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except InvalidInput as error:
        if tab == "form" and arguments.blame(fields, error.field, str(error)):
            return _form(request, run, tool, base, fields=fields, status=422)
        return _form(request, run, tool, values, tab=tab, fields=fields, problem=_said(error), status=422)
    except Conflict as error:
        return _form(request, run, tool, values, tab=tab, fields=fields, problem=str(error), status=409)
    return redirect("run", run.pk)


def _said(error: InvalidInput) -> str:
    """With the argument that it is about, where no field of the form stands for it."""
    name = error.field.removeprefix("arguments").removeprefix(".")
    return f"{name}: {error}" if name else str(error)


def _form(
    request: HttpRequest,
    run: Run,
    tool: Tool,
    values: dict[str, Any],
    *,
    fields: list[arguments.Field] | None = None,
    tab: str = "form",
    text: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "run": run,
        "tool": line(tool.name, run.team_id, tiers_of([run.team_id])),
        "describes": tool.spec.description,
        "fields": fields or arguments.fields(tool.spec.input_schema, values, values),
        "tab": tab,
        "base": json.dumps(values, ensure_ascii=False),
        "json": text or json.dumps(values, indent=2, ensure_ascii=False),
        "note": request.POST.get("note", ""),
        "problem": problem,
        "ordering": True,
    }
    return render(request, "runs/order.html", context, status=status)
