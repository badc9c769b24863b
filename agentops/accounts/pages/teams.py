"""Teams: who is in each; superusers make them, their admins name them."""

from __future__ import annotations

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts import actions
from agentops.accounts.access import WHO_CAN, Right
from agentops.accounts.actions.sight import teams_administered
from agentops.accounts.models import Membership

from .answers import not_for_you, tried


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    members = Membership.objects.select_related("user").order_by("user__username")
    teams = list(teams_administered(request.actor).prefetch_related(Prefetch("memberships", members)))
    if not teams and not request.user.is_superuser:
        return not_for_you(request, _("Teams"), WHO_CAN[Right.ADMINISTER])
    rows = []
    for team in teams:
        people: dict[int, dict[str, object]] = {}
        for membership in team.memberships.all():
            row = people.setdefault(membership.user_id, {"person": membership.user, "roles": []})
            row["roles"].append(membership.get_role_display())  # type: ignore[attr-defined]
        rows.append({"team": team, "people": list(people.values())})
    return render(request, "accounts/teams.html", {"rows": rows})


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "")
    tried(request, lambda: actions.create_team(request.actor, name), _("The team is there; add people to it."))
    return redirect("teams")


@require_POST
def rename(request: HttpRequest, team_id: int) -> HttpResponse:
    name = request.POST.get("name", "")
    tried(request, lambda: actions.rename_team(request.actor, team_id, name), _("Renamed."))
    return redirect("teams")
