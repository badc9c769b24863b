"""The policy of a team: rules in words, live and draft side by side, and what counts when none matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Right
from agentops.accounts.models import Team
from agentops.core.errors import AgentOpsError
from agentops.core.tools import Tier
from agentops.tools.registry import registry
from approvals import actions, changes
from approvals.actions.publishing import draft_of
from approvals.models import Policy, ToolTier
from approvals.policy import MEDIUM_SECONDS


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as people read it."""

    number: int
    data: dict[str, Any]
    change: changes.RuleChange | None = None

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def everything(self) -> bool:
        return bool(self.data["tool"] == "*" and self.data["agent"] == "*" and not self.data["condition"].strip())


@dataclass(frozen=True, slots=True)
class ToolLine:
    name: str
    tier: str
    does: str
    own_tier: str
    setting: ToolTier | None
    seconds: int | None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    teams = visible_teams(request)
    wanted = request.GET.get("team", "").replace("\x00", "")
    team = next((team for team in teams if team.slug == wanted), None)
    if team is None and wanted:
        raise Http404
    team = team or next((team for team in teams if request.actor.can(Right.ADMINISTER, team.pk)), None)
    team = team or (teams[0] if teams else None)
    if team is None:
        return render(request, "approvals/policy.html", {"team": None})
    policy = Policy.objects.filter(team=team).select_related("live").first() or Policy(team=team)
    draft = draft_of(policy) if policy.pk else []
    live = policy.live.rules if policy.live else []
    differences = changes.between(live, draft)
    return render(
        request,
        "approvals/policy.html",
        {
            "teams": teams,
            "team": team,
            "policy": policy,
            "live": lines(live),
            "draft": lines(draft, differences),
            "differences": differences,
            "tools": tools_of(team),
            "focus": request.GET.get("focus", ""),
            "tool_names": registry.names(),
            "may_edit": request.actor.can(Right.ADMINISTER, team.pk),
        },
    )


@require_POST
def draft(request: HttpRequest, team: str) -> HttpResponse:
    """A button of the list: `do` is `up-2`, `down-2` or `delete-2` for the second rule, or `discard` for all."""
    owner = administered_team(request, team)
    policy = actions.open_policy(request.actor, owner)
    rules = draft_of(policy)
    do, _dash, number = request.POST.get("do", "").partition("-")
    place = (whole(number) or 0) - 1
    focus = ""
    if do == "discard":
        rules = policy.live.rules if policy.live else []
    elif do in ("up", "down", "delete") and 0 <= place < len(rules):
        rule = rules.pop(place)
        if do != "delete":
            now = max(0, place - 1) if do == "up" else min(len(rules), place + 1)
            # At either end the button that was pressed is off.
            focus = f"{'down' if now == 0 else 'up' if now == len(rules) else do}-{now + 1}"
            rules.insert(now, rule)
    else:
        messages.error(request, _("That rule is not there any more; nothing was changed."))
        return back_to(owner)
    try:
        actions.save_draft(request.actor, policy, rules, whole(request.POST.get("revision", "")) or 0)
    except AgentOpsError as error:
        messages.error(request, str(error))
    return back_to(owner, focus)


@require_POST
def publish(request: HttpRequest, team: str) -> HttpResponse:
    owner = administered_team(request, team)
    policy = actions.open_policy(request.actor, owner)
    before = policy.live_id
    try:
        version = actions.publish_policy(
            request.actor,
            policy,
            whole(request.POST.get("revision", "")) or 0,
            request.POST.get("note", "").strip(),
        )
    except AgentOpsError as error:
        messages.error(request, str(error))
    else:
        if version.pk == before:
            messages.info(request, _("The rules are as before; no new version was made."))
        else:
            messages.success(request, _("Published as version %s. It decides from the next call on.") % version.number)
    return back_to(owner)


def visible_teams(request: HttpRequest) -> list[Team]:
    mine = request.actor.teams_with(Right.VIEW)
    return list(Team.objects.order_by("name") if mine is None else Team.objects.filter(pk__in=mine).order_by("name"))


def visible_team(request: HttpRequest, slug: str) -> Team:
    mine = request.actor.teams_with(Right.VIEW)
    return get_object_or_404(Team.objects.all() if mine is None else Team.objects.filter(pk__in=mine), slug=slug)


def administered_team(request: HttpRequest, slug: str) -> Team:
    """Not there for who may not see it, forbidden for who may only see it."""
    team = visible_team(request, slug)
    if not request.actor.can(Right.ADMINISTER, team.pk):
        raise PermissionDenied
    return team


def back_to(team: Team, focus: str = "") -> HttpResponse:
    return redirect(f"{reverse('policy')}?{urlencode({'team': team.slug, **({'focus': focus} if focus else {})})}")


def lines(rules: list[dict[str, Any]], differences: list[changes.RuleChange] | None = None) -> list[RuleLine]:
    at = {change.number: change for change in differences or [] if change.kind != "removed"}
    return [RuleLine(number, rule, at.get(number)) for number, rule in enumerate(rules, start=1)]


def tools_of(team: Team) -> list[ToolLine]:
    """The tier that counts for each tool when no rule matches: the admin's for the team, for every team, its own."""
    rows = sorted(ToolTier.objects.filter(Q(team=None) | Q(team=team)), key=lambda row: row.team_id is not None)
    settings = {row.tool: row for row in rows}
    found = []
    for name in registry.names():
        tool = registry.get(name)
        if tool is None or tool.asks_person:
            continue
        setting = settings.get(name)
        tier = setting.tier if setting else tool.tier.value
        seconds = (setting.timer_seconds if setting else None) or MEDIUM_SECONDS
        found.append(
            ToolLine(
                name,
                tier,
                tool.spec.description.partition("\n")[0],
                tool.tier.value,
                setting,
                seconds if tier == Tier.MEDIUM else None,
            )
        )
    return found


def whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
