"""The review queue: the list on the left, one whole request on the right."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from approvals.models import ApprovalRequest

from . import presenting

LISTED = 200
"""Rows on the page. The count beside them is always the true one."""


@require_GET
@vary_on_headers("HX-Request")
def page(request: HttpRequest, request_id: UUID | None = None) -> HttpResponse:
    visible = ApprovalRequest.objects.visible_to(request.actor)
    chosen = None
    if request_id:
        chosen = get_object_or_404(visible.select_related("team", "policy_version"), pk=request_id)
    if chosen and request.htmx:
        return render(request, "approvals/_request.html", {"shown": presenting.shown(chosen, request.actor)})
    return render(request, "approvals/inbox.html", context(request, chosen))


@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Live: the rows that changed (`ids`), decided ones included, or the whole list."""
    ids = [pk for pk in map(_uuid, request.GET.get("ids", "").split(",")) if pk]
    if ids:
        found = ApprovalRequest.objects.visible_to(request.actor).filter(pk__in=ids[:LISTED])
        listed = list(_search(found.by_consequence(), request.GET.get("q", "")))
    else:
        listed = _pending(request)[:LISTED]
    return render(request, "approvals/_rows.html", {"rows": _with_order(listed), "live": True})


@require_GET
def count(request: HttpRequest) -> HttpResponse:
    """Live: how many wait, for the rail of every page."""
    return render(
        request, "_pending.html", {"pending": ApprovalRequest.objects.visible_to(request.actor).pending().count()}
    )


def context(request: HttpRequest, chosen: ApprovalRequest | None, **problems: Any) -> dict[str, Any]:
    """The whole page, with `chosen` (or the first that waits) open."""
    pending = _pending(request)
    listed = _with_order(pending[:LISTED])
    first = chosen or (listed[0] if listed else None)
    return {
        "rows": listed,
        "matching": len(listed) if len(listed) < LISTED else pending.count(),
        "q": request.GET.get("q", ""),
        "opened": chosen is not None,
        "selected": first.pk if first else None,
        "shown": presenting.shown(first, request.actor, **problems) if first else None,
    }


def _pending(request: HttpRequest) -> QuerySet[ApprovalRequest]:
    rows = ApprovalRequest.objects.visible_to(request.actor).pending().by_consequence()
    return _search(rows.select_related("policy_version"), request.GET.get("q", ""))


def _search(rows: QuerySet[ApprovalRequest], words: str) -> QuerySet[ApprovalRequest]:
    for word in words.replace("\x00", "").split()[:8]:
        rows = rows.filter(
            Q(effect__icontains=word) | Q(tool__icontains=word) | Q(agent__icontains=word) | Q(tier__istartswith=word)
        )
    return rows


def _with_order(rows: Any) -> list[ApprovalRequest]:
    listed = list(rows)
    for row in listed:
        row.order = presenting.order(row)
        row.by = presenting.who(row.decided_by_name, row.decided_via)
    return listed


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
