"""The versions of an agent: who made which and why, what differs, the way back, and the candidate's fate."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Right
from agentops.core.errors import AgentOpsError, InvalidInput
from runs import actions, version_diff
from runs.models import Agent, AgentVersion

from .agent import administered_agent, visible_agent
from .comparison import comparison

SIZE = 50


@require_GET
def page(request: HttpRequest, team: str, name: str) -> HttpResponse:
    agent = visible_agent(request, team, name)
    before_number = _number(request.GET.get("before", ""))
    rows = agent.versions.select_related("created_by").order_by("-number")
    if before_number:
        rows = rows.filter(number__lt=before_number)
    versions = list(rows[: SIZE + 1])
    new = _chosen(agent, request.GET.get("to", "")) or agent.live
    old = _chosen(agent, request.GET.get("from", "")) or _one_before(agent, new)
    return render(
        request,
        "runs/agent_versions.html",
        {
            "agent": agent,
            "versions": versions[:SIZE],
            "older": versions[SIZE - 1].number if len(versions) > SIZE else None,
            "numbers": agent.versions.order_by("-number").values_list("number", "note")[:500],
            "old": old,
            "new": new,
            "differences": version_diff.between(old, new) if old and new else [],
            "compared": comparison(agent),
            "may_edit": request.actor.can(Right.ADMINISTER, agent.team_id),
        },
    )


@require_POST
def roll_back(request: HttpRequest, team: str, name: str, number: int) -> HttpResponse:
    def act(agent: Agent) -> str:
        before = agent.live
        version = actions.roll_back(request.actor, agent, number)
        if version == before:
            return _("The live version is as version %s was; nothing changed.") % number
        words = _("Version %(now)s is live, as version %(then)s was. Runs under way keep theirs.")
        return words % {"now": version.number, "then": number}

    return _do(request, team, name, act)


@require_POST
def candidate(request: HttpRequest, team: str, name: str) -> HttpResponse:
    """`do`: promote, withdraw, or share with `percent`. `number` is the candidate that the page showed."""
    do, number = request.POST.get("do", ""), _number(request.POST.get("number", ""))

    def act(agent: Agent) -> str:
        if do == "promote":
            version = actions.promote_candidate(request.actor, agent, number=number)
            return _("Version %s is live for all new runs.") % version.number
        if do == "withdraw":
            version = actions.withdraw_candidate(request.actor, agent, number=number)
            return _("Version %s takes no new runs any more.") % version.number
        percent = _number(request.POST.get("percent", ""))
        if do != "share" or percent is None:
            raise InvalidInput(_("The share of new runs is 1 to 99 percent."), "percent")
        version = actions.share_candidate(request.actor, agent, percent, number=number)
        return _("Version %(number)s takes %(percent)s %% of new runs.") % {
            "number": version.number,
            "percent": percent,
        }

    return _do(request, team, name, act)


def _do(request: HttpRequest, team: str, name: str, act: Callable[[Agent], str]) -> HttpResponse:
    agent = administered_agent(request, team, name)
    try:
        messages.success(request, act(agent))
    except AgentVersion.DoesNotExist as error:
        raise Http404 from error
    except AgentOpsError as error:
        messages.error(request, str(error))
    return redirect("agent-versions", team, name)


def _chosen(agent: Agent, number: str) -> AgentVersion | None:
    return agent.versions.filter(number=_number(number)).first() if _number(number) else None


def _one_before(agent: Agent, version: AgentVersion | None) -> AgentVersion | None:
    return agent.versions.filter(number__lt=version.number).order_by("-number").first() if version else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
