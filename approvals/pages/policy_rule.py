"""The form of one rule of a draft, its check while one types, and what a condition may ask about."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agentops.accounts.models import Team
from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.core.tools import Tier
from agentops.tools.registry import registry
from approvals import actions, changes, conditions, hints
from approvals.actions.publishing import draft_of
from approvals.errors import DraftChanged
from approvals.models import Policy, Rule

from .policy import administered_team, back_to, lines, whole

EMPTY = {
    "name": "",
    "tool": "*",
    "agent": "*",
    "taint": "any",
    "condition": "",
    "tier": "high",
    "timer_seconds": None,
    "on_deadline": "",
}


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, team: str, number: int | None = None) -> HttpResponse:
    owner = administered_team(request, team)
    policy = Policy.objects.filter(team=owner).first() or Policy(team=owner)
    draft = draft_of(policy) if policy.pk else []
    if request.method == "GET":
        if number is not None and not 1 <= number <= len(draft):
            raise Http404
        rule = draft[number - 1] if number else EMPTY
        return _show(request, owner, policy, draft, rule, number)
    rule, problem = _typed(request)
    revision = whole(request.POST.get("revision", "")) or 0
    if problem is None:
        policy = actions.open_policy(request.actor, owner)
        try:
            _save(request, policy, rule, number, revision)
        except AgentOpsError as error:
            problem = error
        else:
            messages.success(request, _("Saved in the draft. It decides nothing before it is published."))
            return back_to(owner, f"edit-{number}" if number else "")
    policy = Policy.objects.filter(team=owner).first() or Policy(team=owner)
    draft = draft_of(policy) if policy.pk else []
    if number and isinstance(problem, DraftChanged):
        # Places have moved: the rule is found again by the name it had when it was opened.
        names = [one["name"] for one in draft]
        was = request.POST.get("was", "")
        number = names.index(was) + 1 if was in names else None
    return _show(request, owner, policy, draft, rule, number, problem)


@require_POST
def condition(request: HttpRequest, team: str) -> HttpResponse:
    """What is to be said of a condition as it is typed, and what it may ask about for this tool."""
    administered_team(request, team)
    return render(request, "approvals/_policy_condition.html", _checked(request.POST.dict()))


def _save(request: HttpRequest, policy: Policy, rule: dict[str, Any], number: int | None, revision: int) -> None:
    draft = draft_of(policy)
    if number is None:
        place = whole(request.POST.get("place", "")) or len(draft) + 1
        draft.insert(min(place, len(draft) + 1) - 1, rule)
    elif 1 <= number <= len(draft):
        draft[number - 1] = rule
    elif revision == policy.revision:
        raise InvalidInput(_("There is no such rule in the draft."), "name")
    actions.save_draft(request.actor, policy, draft, revision)


def _typed(request: HttpRequest) -> tuple[dict[str, Any], AgentOpsError | None]:
    """The rule as it was typed; text that is no number stays for the person to correct."""
    rule: dict[str, Any] = {name: request.POST.get(name, EMPTY[name] or "") for name in EMPTY}
    rule |= {name: rule[name].strip() for name in ("name", "tool", "agent", "timer_seconds")}
    rule["condition"] = rule["condition"].replace("\r\n", "\n")
    rule["tool"], rule["agent"] = rule["tool"] or "*", rule["agent"] or "*"
    seconds = rule["timer_seconds"]
    rule["timer_seconds"] = whole(seconds) if seconds else None
    if rule["tier"] not in (Tier.MEDIUM, Tier.HIGH) or (rule["tier"] == Tier.HIGH and not rule["on_deadline"]):
        # Fields that the form hides for this tier.
        rule["timer_seconds"] = None
    if rule["tier"] != Tier.HIGH:
        rule["on_deadline"] = ""
    if seconds and rule["tier"] in (Tier.MEDIUM, Tier.HIGH) and whole(seconds) is None:
        rule["timer_seconds"] = seconds
        return rule, InvalidInput(_("Write a whole number of seconds."), "timer_seconds")
    return rule, None


def _show(
    request: HttpRequest,
    team: Team,
    policy: Policy,
    draft: list[dict[str, Any]],
    rule: dict[str, Any],
    number: int | None,
    problem: AgentOpsError | None = None,
) -> HttpResponse:
    field, words = "", str(problem or "")
    if isinstance(problem, InvalidInput):
        parts = problem.field.split(".")
        field = parts[-1]
        mine = str(number or whole(request.POST.get("place", "")) or len(draft) + 1)
        if len(parts) == 3 and parts[1] == mine:
            words = words.partition(f"“{rule['name'][:120]}”: ")[2] or words
    context = {
        "team": team,
        "policy": policy,
        "number": number,
        "rule": rule,
        "was": request.POST.get("was", rule["name"]),
        "places": [(at, line.name) for at, line in enumerate(lines(draft), start=1)],
        "place": whole(request.POST.get("place", "")) or len(draft) + 1,
        "problem": words,
        "field": field if field in EMPTY else "",
        "changed": problem if isinstance(problem, DraftChanged) else None,
        "draft": lines(draft, changes.between(policy.live.rules if policy.live else [], draft)),
        "tool_names": registry.names(),
        "taints": Rule.Taint.choices,
        **_checked(rule),
    }
    status = 409 if context["changed"] else 422 if problem else 200
    return render(request, "approvals/policy_rule.html", context, status=status)


def _checked(rule: dict[str, Any]) -> dict[str, Any]:
    source, tool = str(rule.get("condition", "")), str(rule.get("tool", "")).strip() or "*"
    said = ""
    if source.strip():
        try:
            conditions.check(source)
        except InvalidInput as error:
            said = str(error)
    return {
        "source": source.strip(),
        "said": said,
        "doubt": hints.doubt(source, tool) if not said else "",
        "arguments": hints.of_tool(tool),
        "of_run": hints.of_run(),
        "tool": tool,
    }
