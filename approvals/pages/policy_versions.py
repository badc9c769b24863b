"""The versions of a policy: who published which, what differs between two, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Right
from agentops.core.errors import AgentOpsError
from approvals import actions, changes
from approvals.models import Policy, PolicyVersion

from .policy import administered_team, lines, visible_team, whole

SIZE = 50


@require_GET
def page(request: HttpRequest, team: str) -> HttpResponse:
    owner = visible_team(request, team)
    policy = Policy.objects.filter(team=owner).select_related("live").first()
    rows = PolicyVersion.objects.filter(policy=policy).select_related("created_by").order_by("-number")
    before = whole(request.GET.get("before", ""))
    versions = list(rows.filter(number__lt=before)[: SIZE + 1] if before else rows[: SIZE + 1])
    new = rows.filter(number=whole(request.GET.get("to", ""))).first() or (policy.live if policy else None)
    old = rows.filter(number=whole(request.GET.get("from", ""))).first()
    if old is None and new is not None:
        old = rows.filter(number__lt=new.number).first()
    return render(
        request,
        "approvals/policy_versions.html",
        {
            "team": owner,
            "policy": policy,
            "versions": versions[:SIZE],
            "older": versions[SIZE - 1].number if len(versions) > SIZE else None,
            "numbers": rows.values_list("number", "note")[:500],
            "old": old,
            "new": new,
            "differences": changes.between(old.rules if old else [], new.rules) if new else [],
            "rules": lines(new.rules) if new else [],
            "may_edit": request.actor.can(Right.ADMINISTER, owner.pk),
        },
    )


@require_POST
def roll_back(request: HttpRequest, team: str, number: int) -> HttpResponse:
    owner = administered_team(request, team)
    policy = actions.open_policy(request.actor, owner)
    before = policy.live_id
    try:
        version = actions.roll_back_policy(request.actor, policy, number)
    except PolicyVersion.DoesNotExist as error:
        raise Http404 from error
    except AgentOpsError as error:
        messages.error(request, str(error))
    else:
        if version.pk == before:
            messages.info(request, _("The live rules are as version %s was; nothing changed.") % number)
        else:
            words = _("Version %(now)s decides from the next call on, with the rules of version %(then)s.")
            messages.success(request, words % {"now": version.number, "then": number})
    return redirect("policy-versions", team)
