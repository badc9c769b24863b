"""The form that starts a run."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from agentops.accounts.access import Right
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.models import Agent

LIMITS = {
    "max_steps": gettext_lazy("Steps"),
    "max_tool_calls": gettext_lazy("Tool calls"),
    "max_tokens": gettext_lazy("Tokens"),
    "max_cost_usd": gettext_lazy("Cost in USD"),
    "max_seconds": gettext_lazy("Working time in seconds"),
}


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    startable = Agent.objects.visible_to(request.actor, Right.OPERATE).filter(active=True, live__isnull=False)
    agents = list(startable.select_related("live", "team"))
    wanted = request.POST.get("agent") or request.GET.get("agent", "")
    chosen = next((agent for agent in agents if _key(agent) == wanted or agent.name == wanted), None)
    chosen = chosen or (agents[0] if agents and not wanted else None)
    form: dict[str, Any] = {
        "goal": request.POST.get("goal", chosen.example_goal if chosen else ""),
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "error": "",
        "field": "",
    }
    if request.method == "POST":
        try:
            if chosen is None:
                raise InvalidInput(_("Choose an agent from the list."), "agent")
            run, _created = actions.start_run(
                request.actor,
                agent=chosen.name,
                team=chosen.team.slug,
                goal=form["goal"],
                limits=_limits(request),
                via="page",
                idempotency_key=form["key"],
            )
            return redirect("run", run.pk)
        except (InvalidInput, NotAllowed, Conflict) as error:
            form["error"], form["field"] = str(error), getattr(error, "field", "")
            if isinstance(error, Conflict):
                form["key"] = uuid.uuid4().hex
    limits = [
        {"name": name, "label": label, "value": request.POST.get(name, ""), "default": _default(chosen, name)}
        for name, label in LIMITS.items()
    ]
    for agent in agents:
        agent.key = _key(agent)
    context = {"agents": agents, "chosen": chosen, "limits": limits, **form}
    return render(request, "runs/new.html", context, status=422 if form["error"] else 200)


def _key(agent: Agent) -> str:
    return f"{agent.team.slug}/{agent.name}"


def _default(agent: Agent | None, name: str) -> Any:
    value = getattr(agent.live, name) if agent and agent.live else ""
    return f"{value.normalize():f}" if name == "max_cost_usd" and value else value


def _limits(request: HttpRequest) -> dict[str, Any]:
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
