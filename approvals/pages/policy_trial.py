"""Try a policy: pick a tool, say with what it would be called, and see the verdict of the live rules and the draft."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput
from agentops.core.tools import InvalidArguments, Tool
from agentops.tools.registry import registry
from approvals import rules
from approvals.actions.publishing import draft_of
from approvals.models import Policy
from approvals.policy import Verdict, Version, snapshot

from . import arguments
from .policy import visible_team

MAX_JSON = 200_000
SOURCE = "a page or mail from outside"
NUMBERS: dict[str, type[int] | type[float]] = {"cost_usd": float, "steps": int, "tool_calls": int}


@dataclass(frozen=True, slots=True)
class Judged:
    by: str
    """`live` or `draft`."""
    verdict: Verdict


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, team: str) -> HttpResponse:
    """GET: the fields of `tool`. POST: what would become of the call. It changes nothing."""
    owner = visible_team(request, team)
    asked = request.POST if request.method == "POST" else request.GET
    names = _judged_tools()
    name = asked.get("tool", "")
    tool = registry.get(name if name in names else next(iter(names), ""))
    context: dict[str, Any] = {"team": owner, "tool_names": names, "tool": tool, "asked": asked.dict()}
    if tool:
        context["fields"] = arguments.fields(tool.spec.input_schema, {}, {})
    if tool and request.method == "POST":
        try:
            context |= _try(owner, tool, context["fields"], asked.dict())
        except InvalidInput as error:
            context["problem"] = str(error)
    return render(request, "approvals/_policy_trial.html", context)


def _judged_tools() -> list[str]:
    """Those that a policy has a say about, what changes something before what only reads."""
    tools = [tool for tool in map(registry.get, registry.names()) if tool and not tool.asks_person]
    return [tool.name for tool in sorted(tools, key=lambda tool: (tool.reads_only, tool.name))]


def _try(team: Team, tool: Tool, fields: list[arguments.Field], asked: dict[str, str]) -> dict[str, Any]:
    values = _values(fields, asked)
    try:
        values = tool.validate(values)
    except InvalidArguments as error:
        raise InvalidInput(_("Such a call is refused before any rule is asked. %s") % error) from error
    call: dict[str, Any] = {
        "tool": tool.name,
        "own_tier": tool.tier,
        "agent": asked.get("agent", "").strip() or "any-agent",
        "arguments": values,
        "tainted_by": SOURCE if asked.get("tainted") else "",
        "facts": {"reads_only": tool.reads_only} | {key: _number(asked, key, kind) for key, kind in NUMBERS.items()},
    }
    live = snapshot(team.pk)
    judged = [Judged("live", live.verdict(**call))]
    policy = Policy.objects.filter(team=team).select_related("live").first()
    draft = draft_of(policy) if policy else []
    if draft != (policy.live.rules if policy and policy.live else []):
        number = policy.live.number + 1 if policy and policy.live else 1
        version = Version(0, number, tuple(rules.from_json(rule) for rule in draft))
        judged.append(Judged("draft", replace(live, version=version).verdict(**call)))
    return {"judged": judged, "effect": tool.effect_line(values)}


def _values(fields: list[arguments.Field], asked: dict[str, str]) -> dict[str, Any]:
    if text := asked.get("json", "").strip():
        try:
            values = json.loads(text) if len(text) <= MAX_JSON else None
        except (ValueError, RecursionError) as error:
            raise InvalidInput(_("The arguments are not JSON: %s") % error) from error
        if not isinstance(values, dict):
            raise InvalidInput(_("The arguments are one JSON object, in braces."))
        return values
    values = arguments.fill(fields, asked)
    for one in arguments.every(fields):
        one.asked = one.value
    if any(one.problem for one in arguments.every(fields)):
        raise InvalidInput(_("Look at the fields marked below."))
    return values


def _number(asked: dict[str, str], key: str, kind: type[int] | type[float]) -> int | float:
    text = asked.get(key, "").strip()
    try:
        number = kind(text or 0)
        if not 0 <= number < 10**12:
            raise ValueError(text)
    except ValueError as error:
        raise InvalidInput(_("Cost, steps and calls are numbers from 0 up.")) from error
    return number
