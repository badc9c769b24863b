"""The form that starts a run: the goal, and what the chosen agent asks for."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from agentops.accounts.access import Right
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.actions.starting import LIMITS
from runs.agent_form import LABELS
from runs.inputs import from_text
from runs.models import Agent, Run


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    agents = startable(request)
    wanted = request.POST.get("agent") or request.GET.get("agent", "")
    chosen = chosen_agent(agents, wanted) or (agents[0] if agents and not wanted else None)
    form: dict[str, Any] = {
        "goal": request.POST.get("goal") or request.GET.get("goal") or (chosen.example_goal if chosen else ""),
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "priority": request.POST.get("priority", "0"),
        "error": "",
        "field": "",
    }
    if request.method == "POST":
        form["goal"] = request.POST.get("goal", "")
        try:
            if chosen is None:
                raise InvalidInput(_("Choose an agent from the list."), "agent")
            run, _created = actions.start_run(
                request.actor,
                agent=chosen.name,
                team=chosen.team.slug,
                goal=form["goal"],
                inputs=from_text(chosen.live.inputs if chosen.live else [], given_inputs(request)),
                limits=typed_limits(request),
                priority=_priority(form["priority"]),
                via="page",
                idempotency_key=form["key"],
            )
            return redirect("run", run.pk)
        except (InvalidInput, NotAllowed, Conflict) as error:
            form["error"], form["field"] = str(error), getattr(error, "field", "")
            if isinstance(error, Conflict):
                form["key"] = uuid.uuid4().hex
    asked = _asked(request, chosen, form)
    known = {"agent", "goal", "priority", *(one["field"] for one in asked["inputs"])}
    elsewhere = bool(form["error"]) and form["field"] not in known and not form["field"].startswith("limits")
    asked["priorities"] = Run.Priority.choices
    context = {"agents": agents, "chosen": chosen, "elsewhere": elsewhere, **asked, **form}
    return render(request, "runs/new.html", context, status=422 if form["error"] else 200)


@require_GET
def inputs(request: HttpRequest) -> HttpResponse:
    """What another agent asks for, when it is chosen."""
    chosen = chosen_agent(startable(request), request.GET.get("agent", ""))
    return render(request, "runs/_inputs.html", {"chosen": chosen, **_asked(request, chosen, {"field": ""})})


def startable(request: HttpRequest) -> list[Agent]:
    startable = Agent.objects.visible_to(request.actor, Right.OPERATE).filter(active=True, live__isnull=False)
    agents = list(startable.select_related("live", "team"))
    for agent in agents:
        agent.key = f"{agent.team.slug}/{agent.name}"
    return agents


def chosen_agent(agents: list[Agent], wanted: str) -> Agent | None:
    return next((agent for agent in agents if wanted in (agent.key, agent.name)), None)


def _asked(request: HttpRequest, agent: Agent | None, form: dict[str, Any]) -> dict[str, Any]:
    """The agent's own fields, as typed or as they are at first."""
    version = agent.live if agent else None
    given = given_inputs(request)
    rows = []
    for one in version.inputs if version else []:
        default = one["default"]
        first = ("yes" if default else "no") if isinstance(default, bool) else "" if default is None else str(default)
        value = given.get(one["name"], "") if request.method == "POST" else first
        field = f"inputs.{one['name']}"
        rows.append({**one, "field": field, "value": value, "wrong": form["field"] == field})
    limits = [
        {"name": name, "label": LABELS[name], "value": request.POST.get(name, ""), "default": own_limit(agent, name)}
        for name in LIMITS
    ]
    return {"inputs": rows, "limits": limits}


def given_inputs(request: HttpRequest) -> dict[str, str]:
    given = {name.removeprefix("input."): value for name, value in request.POST.items() if name.startswith("input.")}
    return {name: value.replace("\r\n", "\n") for name, value in given.items()}


def own_limit(agent: Agent | None, name: str) -> Any:
    value = getattr(agent.live, name) if agent and agent.live else ""
    return f"{value.normalize():f}" if name == "max_cost_usd" and value else value


def typed_limits(request: HttpRequest) -> dict[str, Any]:
    """As typed; the action says what does not work."""
    limits: dict[str, Any] = {}
    for name in LIMITS:
        text = request.POST.get(name, "").strip()
        if text:
            try:
                limits[name] = float(text) if name == "max_cost_usd" else int(text)
            except ValueError as error:
                raise InvalidInput(_("Write a number, or leave it empty."), f"limits.{name}") from error
    return limits


def _priority(text: str) -> int:
    if text not in [str(value) for value in Run.Priority.values]:
        raise InvalidInput(_("Choose a priority from the list."), "priority")
    return int(text)
