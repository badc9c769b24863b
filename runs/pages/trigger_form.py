"""The form of a schedule or a webhook: what it holds at first, what was typed, and what that says."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from agentops.accounts.profiles import time_zones
from agentops.core.errors import InvalidInput
from runs.actions.starting import LIMITS
from runs.actions.triggers import state_of
from runs.agent_form import LABELS
from runs.inputs import from_text
from runs.models import Agent, Run, Trigger

from .start import chosen_agent, given_inputs, own_limit, startable, typed_limits

WORDS = ("name", "goal", "cron", "timezone", "missed", "priority", "base", "places")
CHOSEN = ("overlap",)
WHOLE = "*"


def of_new(request: HttpRequest, kind: str) -> dict[str, Any]:
    """An empty one, for the agent in the address or the first."""
    agents = startable(request)
    agent = chosen_agent(agents, request.GET.get("agent", "")) or (agents[0] if agents else None)
    values = {
        "goal": agent.example_goal if agent else "",
        "cron": "0 9 * * 1-5",
        "timezone": getattr(request, "time_zone", "") or "UTC",
        "missed": Trigger.Missed.ONCE,
        "priority": "0",
        "overlap": kind == Trigger.Kind.WEBHOOK,
    }
    return _form(kind, agents, agent, values, _defaults(agent) if kind == Trigger.Kind.SCHEDULE else {}, {}, {})


def of_trigger(request: HttpRequest, trigger: Trigger) -> dict[str, Any]:
    """As it is stored."""
    agents = [agent for agent in startable(request) if agent.team_id == trigger.team_id]
    agent = next((agent for agent in agents if agent.pk == trigger.agent_id), None)
    values = {name: getattr(trigger, name) for name in ("name", "goal", "cron", "timezone", "missed", "overlap")}
    values |= {"priority": str(trigger.priority), "base": state_of(trigger), "places": _lines(trigger.mapping)}
    given = {name: _as_text(value) for name, value in trigger.inputs.items()}
    return _form(trigger.kind, agents, agent, values, given, trigger.mapping, trigger.limits)


def typed(request: HttpRequest, kind: str, trigger: Trigger | None = None) -> dict[str, Any]:
    """As it was sent, right or wrong."""
    agents = [agent for agent in startable(request) if trigger is None or agent.team_id == trigger.team_id]
    agent = chosen_agent(agents, request.POST.get("agent", ""))
    values: dict[str, Any] = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in WORDS}
    values |= {name: request.POST.get(name) == "yes" for name in CHOSEN}
    limits = {name: request.POST.get(name, "") for name in LIMITS}
    return _form(kind, agents, agent, values, given_inputs(request), _mapped(request), limits)


def asked(request: HttpRequest, kind: str) -> dict[str, Any]:
    """What another agent asks for, when it is chosen."""
    agents = startable(request)
    agent = chosen_agent(agents, request.GET.get("agent", ""))
    return _form(kind, agents, agent, {}, _defaults(agent) if kind == Trigger.Kind.SCHEDULE else {}, {}, {})


def fields(request: HttpRequest, form: dict[str, Any], trigger: Trigger | None) -> dict[str, Any]:
    """For the action. Raises InvalidInput for what cannot even be read."""
    agent: Agent | None = form["chosen"]
    if agent is None:
        raise InvalidInput(_("Choose an agent from the list."), "agent")
    declared = agent.live.inputs if agent.live else []
    values = form["values"]
    if values["priority"] not in [str(value) for value in Run.Priority.values]:
        raise InvalidInput(_("Choose a priority from the list."), "priority")
    read: dict[str, Any] = {
        "agent": agent.name,
        "name": values["name"],
        "goal": values["goal"],
        "inputs": from_text(declared, given_inputs(request)),
        "limits": typed_limits(request),
        "priority": int(values["priority"]),
        "overlap": values["overlap"],
    }
    if not declared:
        # The page asks for nothing then; what a program set stays.
        read["inputs"] = trigger.inputs if trigger and trigger.agent_id == agent.pk else {}
    if form["kind"] == Trigger.Kind.WEBHOOK:
        return read | {"mapping": _mapped(request) if declared else _places(values["places"])}
    return read | {name: values[name] for name in ("cron", "timezone", "missed")}


def blame(form: dict[str, Any], error: InvalidInput) -> None:
    """Puts an error beside its field, or on top when there is none."""
    field = "limits" if error.field.startswith("limits.") else error.field
    form |= {"error": str(error), "field": field}
    for row in form["inputs"]:
        row["wrong"] = error.field == f"inputs.{row['name']}"
        row["misplaced"] = error.field == f"mapping.{row['name']}"
    form["misplaced"] = error.field.startswith("mapping") and not form["inputs"]
    known = {"agent", "name", "goal", "cron", "timezone", "missed", "priority", "limits"}
    beside = field in known or form["misplaced"] or any(row["wrong"] or row["misplaced"] for row in form["inputs"])
    form["elsewhere"] = not beside


def _form(
    kind: str,
    agents: list[Agent],
    agent: Agent | None,
    values: dict[str, Any],
    given: dict[str, str],
    mapping: dict[str, str],
    limits: dict[str, Any],
) -> dict[str, Any]:
    declared = agent.live.inputs if agent and agent.live else []
    rows = [
        {
            **one,
            "required": one["required"] and kind == Trigger.Kind.SCHEDULE,
            "needed": one["required"],
            "field": f"inputs.{one['name']}",
            "value": given.get(one["name"], ""),
            "mapped": one["name"] in mapping,
            "place": mapping.get(one["name"], "") or (WHOLE if one["name"] in mapping else ""),
            "wrong": False,
            "misplaced": False,
        }
        for one in declared
    ]
    return {
        "kind": kind,
        "agents": agents,
        "chosen": agent,
        "values": values,
        "inputs": rows,
        "limits": [
            {"name": name, "label": LABELS[name], "value": limits.get(name, ""), "default": own_limit(agent, name)}
            for name in LIMITS
        ],
        "zones": ["UTC", *time_zones()],
        "missed": Trigger.Missed.choices,
        "priorities": [(str(value), label) for value, label in Run.Priority.choices],
        "error": "",
        "field": "",
        "elsewhere": False,
        "misplaced": False,
    }


def _defaults(agent: Agent | None) -> dict[str, str]:
    declared = agent.live.inputs if agent and agent.live else []
    return {one["name"]: _as_text(one["default"]) for one in declared if one["default"] is not None}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _mapped(request: HttpRequest) -> dict[str, str]:
    """A place left empty is none."""
    places = {
        name.removeprefix("map."): value.strip() for name, value in request.POST.items() if name.startswith("map.")
    }
    return {name: _pointer(place) for name, place in places.items() if place}


def _pointer(place: str) -> str:
    """The whole body's pointer is empty, which in a form says nothing: it is written *."""
    return "" if place == WHOLE else place


def _lines(mapping: dict[str, str]) -> str:
    return "\n".join(f"{name} {place or WHOLE}" for name, place in mapping.items())


def _places(text: str) -> dict[str, str]:
    """One a line: the input's name, and where it stands. Raises InvalidInput."""
    places: dict[str, str] = {}
    for line in filter(str.strip, text.split("\n")):
        name, _space, place = line.strip().partition(" ")
        if not place.strip() or name in places:
            raise InvalidInput(
                _("“%(line)s” is not a name and a place, each name once: order_id /order/id.") % {"line": line[:80]},
                "mapping",
            )
        places[name] = _pointer(place.strip())
    return places
