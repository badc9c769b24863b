"""The people of the teams that one administers: their roles, and what an admin may do to them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agentops.accounts import actions, sessions
from agentops.accounts.access import ROLE_MEANS, WHO_CAN, Right
from agentops.accounts.actions.sight import administers_all, people_seen, teams_administered
from agentops.accounts.models import AccessChange, Membership, Role
from agentops.core.errors import InvalidInput

from .answers import not_for_you, tried

MOST = 200
CHANGES = 20


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    teams = list(teams_administered(request.actor))
    if not teams and not request.user.is_superuser:
        return not_for_you(request, _("People"), WHO_CAN[Right.ADMINISTER])
    q, team = (request.GET.get(name, "").replace("\0", "").strip() for name in ("q", "team"))
    people = people_seen(request.actor).prefetch_related(_memberships(request))
    if q:
        people = people.filter(
            Q(username__icontains=q) | Q(first_name__icontains=q) | Q(last_name__icontains=q) | Q(email__icontains=q)
        )
    if team:
        people = people.filter(pk__in=Membership.objects.filter(team__slug=team, team__in=teams).values("user_id"))
    found = list(people.order_by("-is_active", "username")[: MOST + 1])
    context = {"people": found[:MOST], "more": len(found) > MOST, "most": MOST, "teams": teams, "q": q, "team": team}
    return render(request, "accounts/people.html", context | {"undo": _undoable(request)})


@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    teams = list(teams_administered(request.actor))
    if not teams:
        return not_for_you(request, _("Add a person"), WHO_CAN[Right.ADMINISTER])
    form = {name: request.POST.get(name, "") for name in ("username", "name", "email", "team")}
    roles = request.POST.getlist("roles") if request.method == "POST" else [Role.VIEWER]
    context: dict[str, Any] = {"teams": teams, "form": form, "roles": _choices(roles)}
    status = 200
    if request.method == "POST":
        team = next((team for team in teams if str(team.pk) == form["team"]), teams[0] if len(teams) == 1 else None)
        try:
            if team is None:
                raise InvalidInput(_("Choose a team from the list."), "team")
            details = {name: form[name] for name in ("username", "name", "email")}
            person, path = actions.add_person(request.actor, team_id=team.pk, roles=roles, **details)
            return _link(request, person, path, added=True)
        except InvalidInput as error:
            context |= {"error": str(error), "field": error.field}
            status = 422
    return render(request, "accounts/person_new.html", context, status=status)


@require_GET
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    shown = get_object_or_404(people_seen(request.actor).prefetch_related("memberships"), pk=person_id)
    teams = teams_administered(request.actor)
    held: dict[int, list[str]] = {}
    for membership in shown.memberships.all():
        held.setdefault(membership.team_id, []).append(membership.role)
    in_teams = [
        {"team": team, "roles": _choices(held[team.pk]), "was": held[team.pk]} for team in teams if team.pk in held
    ]
    changes = AccessChange.objects.filter(person=shown)
    if not request.user.is_superuser:
        changes = changes.filter(Q(team__in=teams) | Q(team=None))
    context = {
        "person": shown,
        "in_teams": in_teams,
        "other_teams": [team for team in teams if team.pk not in held],
        "roles": _choices([]),
        "theirs": administers_all(request.actor, shown),
        "roles_open": request.user.is_superuser or not shown.is_superuser,
        "sign_ins": len(sessions.alive(shown)),
        "changes": changes.select_related("team").order_by("-at", "-pk")[:CHANGES],
        "undo": _undoable(request),
    }
    return render(request, "accounts/person.html", context)


@require_POST
def roles(request: HttpRequest, person_id: int) -> HttpResponse:
    def act() -> AccessChange | None:
        number = request.POST.get("team", "")
        team = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
        chosen = request.POST.getlist("roles")
        was = request.POST.getlist("was") if "shown" in request.POST else None
        if not chosen and "remove" not in request.POST:
            raise InvalidInput(_("Choose at least one role, or remove the person from the team."))
        return actions.set_roles(request.actor, person_id, team, chosen, was)

    change = tried(request, act)
    undo = f"?undo={change.pk}" if change else ""
    still_seen = people_seen(request.actor).filter(pk=person_id).exists()
    return redirect((reverse("person", args=[person_id]) if still_seen else reverse("people")) + undo)


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    change = tried(request, lambda: actions.undo(request.actor, change_id), _("Undone: the roles are as before."))
    if change is None or change.person_id is None:
        return redirect("people")
    return redirect("person", change.person_id)


@require_POST
def deactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    tried(request, lambda: actions.deactivate(request.actor, person_id), _("Deactivated and signed out everywhere."))
    return redirect("person", person_id)


@require_POST
def reactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    tried(request, lambda: actions.reactivate(request.actor, person_id), _("Active again."))
    return redirect("person", person_id)


@require_POST
def sign_out(request: HttpRequest, person_id: int) -> HttpResponse:
    tried(request, lambda: actions.end_sign_ins(request.actor, person_id), _("Signed out everywhere."))
    return redirect("person", person_id)


@never_cache
@require_POST
def link(request: HttpRequest, person_id: int) -> HttpResponse:
    path = tried(request, lambda: actions.make_link(request.actor, person_id))
    if path is None:
        return redirect("person", person_id)
    return _link(request, people_seen(request.actor).get(pk=person_id), path)


def _link(request: HttpRequest, person: User, path: str, added: bool = False) -> HttpResponse:
    """Rendered in answer to the POST, so that it is nowhere to be found again."""
    context = {"person": person, "link": request.build_absolute_uri(path), "added": added}
    return render(request, "accounts/link.html", context, status=201 if added else 200)


def _memberships(request: HttpRequest) -> Prefetch[Any]:
    return Prefetch(
        "memberships",
        Membership.objects.filter(team__in=teams_administered(request.actor))
        .select_related("team")
        .order_by("team__name"),
    )


def _choices(held: list[str]) -> list[dict[str, Any]]:
    return [{"value": role, "word": role.label, "means": ROLE_MEANS[role], "held": role in held} for role in Role]


def _undoable(request: HttpRequest) -> AccessChange | None:
    number = request.GET.get("undo", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return AccessChange.objects.filter(pk=number, by_id=request.user.pk, kind=AccessChange.Kind.ROLES).first()
