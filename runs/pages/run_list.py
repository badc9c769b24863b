"""All runs, newest first: filtered and searched by the address, live where one looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from runs.models import Agent, Run

from . import saved_views, wording
from .run_filters import LIVE, MORE, VIA, Filters

SIZE = 50


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    filters, cursor = Filters.of(request.GET), request.GET.get("cursor", "")
    shown = filters.newest(request.actor, cursor, SIZE)
    newest = shown.rows[0].created_at.isoformat() if shown.rows else ""
    _explain(shown.rows)
    return render(
        request,
        "runs/list.html",
        {
            "page": shown,
            "cursor": cursor,
            "newest": newest,
            "filters": filters,
            "chosen": filters.values,
            **_choices(request, filters),
            **saved_views.tabs(request, filters),
            "may_start": request.actor.teams_with(Right.OPERATE) != [],
        },
    )


@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Live: these runs as they are now, whether or not they still match the filter."""
    ids = [pk for pk in map(_uuid, request.GET.get("ids", "").split(",")) if pk]
    runs = list(Run.objects.visible_to(request.actor).select_related("agent").filter(pk__in=ids[:SIZE]))
    _explain(runs)
    return render(request, "runs/_rows.html", {"runs": runs})


@require_GET
def fresh(request: HttpRequest) -> HttpResponse:
    """Live: how many runs that match were started after the newest on the page."""
    after = _moment(request.GET.get("after", ""))
    found = Filters.of(request.GET).newest(request.actor, "", SIZE, after)
    return render(request, "runs/_fresh.html", {"count": len(found.rows), "more": found.older})


def _explain(runs: list[Run]) -> None:
    for run in runs:
        run.ending = wording.ending(run)  # type: ignore[attr-defined]


def _choices(request: HttpRequest, filters: Filters) -> dict[str, Any]:
    people = _people(request).order_by("username").values_list("username", flat=True).distinct()
    return {
        "statuses": Run.Status.choices,
        "waits": Run.WaitingOn.choices,
        "live": LIVE,
        "agents": Agent.objects.visible_to(request.actor).values_list("name", "title").distinct(),
        "people": sorted({*people, filters.values.get("by", "")} - {""}),
        "ways": VIA,
        "outcomes": Run.Outcome.choices,
        "more": sum(name in filters.values for name in MORE),
    }


def _people(request: HttpRequest) -> QuerySet[User]:
    teams = request.actor.teams_with(Right.VIEW)
    return User.objects.all() if teams is None else User.objects.filter(memberships__team_id__in=teams)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
        return found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
