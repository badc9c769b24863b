"""Views of the list of runs: tabs over it, and the forms that keep, change and delete one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agentops.accounts.access import Right
from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput, NotAllowed
from runs import actions
from runs.models import SavedView

from .run_filters import Filters


def tabs(request: HttpRequest, filters: Filters) -> dict[str, Any]:
    """The saved views that this person sees; `view` is the one whose filters the address has, if it may be changed."""
    views = list(SavedView.objects.visible_to(request.actor).select_related("owner", "team"))
    at = next((view for view in views if view.query == filters.query), None)
    mine = at is not None and at.owner_id == request.user.pk
    may = mine or (at is not None and at.team_id and request.actor.can(Right.ADMINISTER, at.team_id))
    teams = request.actor.teams_with(Right.VIEW)
    return {
        "views": views,
        "view": at if may else None,
        "teams": Team.objects.order_by("name") if teams is None else Team.objects.filter(pk__in=teams).order_by("name"),
    }


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    query = Filters.of(QueryDict(request.POST.get("query", "")[:2000])).query
    try:
        view = actions.save_view(request.actor, name=request.POST.get("name", ""), query=query, team_id=_team(request))
    except (InvalidInput, NotAllowed) as error:
        return _back(request, query, problem=str(error))
    return _back(request, query, _("Saved as “%(name)s”.") % {"name": view.name})


@require_POST
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    view = _visible(request, view_id)
    try:
        actions.change_view(request.actor, view_id, name=request.POST.get("name", ""), team_id=_team(request))
    except (InvalidInput, NotAllowed) as error:
        return _back(request, view.query, problem=str(error))
    return _back(request, view.query, _("Saved."))


@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    view = _visible(request, view_id)
    try:
        actions.delete_view(request.actor, view_id)
    except NotAllowed as error:
        return _back(request, view.query, problem=str(error))
    return _back(request, view.query, _("Deleted “%(name)s”. The runs are still here.") % {"name": view.name})


def _visible(request: HttpRequest, view_id: int) -> SavedView:
    try:
        return SavedView.objects.visible_to(request.actor).get(pk=view_id)
    except SavedView.DoesNotExist as error:
        raise Http404 from error


def _team(request: HttpRequest) -> int | None:
    """Raises InvalidInput for what is no team's number."""
    text = request.POST.get("team", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(_("There is no such team."), "team")
    return int(text[:18])


def _back(request: HttpRequest, query: str, said: str = "", problem: str = "") -> HttpResponse:
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, said)
    return redirect(f"{reverse('runs')}?{query}")
