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

from . import groups, presenting

LISTED = 200
"""Rows on the page. The count beside them is always the true one."""
FIRST = 80
"""Rows that the page brings along; the rest come when somebody gets there."""
UNLISTED = ("words", "input_schema", "outcome", "decision_reason", "bound_hash", "rule")
"""What rows do not show; a schema may be long."""


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
    """Live: the rows that changed (`ids`), decided ones included, or the whole list. With the groups as they are."""
    ids = [pk for pk in map(uuid_or_none, request.GET.get("ids", "").split(",")) if pk]
    listed = _listed(request)
    if ids:
        among = {row.pk for row in listed}
        others = [pk for pk in ids[:LISTED] if pk not in among]
        changed = ApprovalRequest.objects.visible_to(request.actor).filter(pk__in=others)
        found = list(_search(request, changed.by_consequence())) if others else []
        listed = [row for row in listed if row.pk in set(ids)] + found
    return render(request, "approvals/_rows.html", {"rows": _with_order(listed), "live": True, **_groups(request)})


@require_GET
def rest(request: HttpRequest) -> HttpResponse:
    """The rows after those that the page brought along."""
    return render(request, "approvals/_rows.html", {"rows": _with_order(_listed(request)[FIRST:])})


@require_GET
def count(request: HttpRequest) -> HttpResponse:
    """Live: how many wait, for the rail of every page."""
    return render(
        request, "_pending.html", {"pending": ApprovalRequest.objects.visible_to(request.actor).pending().count()}
    )


def context(request: HttpRequest, chosen: ApprovalRequest | None, **problems: Any) -> dict[str, Any]:
    """The whole page, with `chosen` (or the first that waits) open."""
    listed = _with_order(_listed(request))
    whole = ApprovalRequest.objects.select_related("team", "policy_version")
    first = chosen or (whole.get(pk=listed[0].pk) if listed else None)
    query = {name: value for name in ("q", "tool", "agent") if (value := request.GET.get(name, ""))}
    return {
        "rows": listed[:FIRST],
        "rest": len(listed) > FIRST,
        "listed": len(listed),
        "matching": len(listed) if len(listed) < LISTED else _pending(request).count(),
        "q": query.get("q", ""),
        "tool": query.get("tool", ""),
        "agent": query.get("agent", ""),
        "filtered": bool(query),
        "opened": chosen is not None,
        "selected": first.pk if first else None,
        "shown": presenting.shown(first, request.actor, **problems) if first else None,
        **_groups(request),
    }


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _groups(request: HttpRequest) -> dict[str, Any]:
    return {"groups": groups.largest(ApprovalRequest.objects.visible_to(request.actor).pending())}


def _listed(request: HttpRequest) -> list[ApprovalRequest]:
    """Those of the page, compared with their like."""
    listed = list(_pending(request)[:LISTED])
    groups.compare(listed)
    return listed


def _pending(request: HttpRequest) -> QuerySet[ApprovalRequest]:
    return _search(request, ApprovalRequest.objects.visible_to(request.actor).pending().by_consequence())


def _search(request: HttpRequest, found: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    found = found.defer(*UNLISTED)
    for name in ("tool", "agent"):
        if exact := request.GET.get(name, "").replace("\x00", ""):
            found = found.filter(**{name: exact})
    for word in request.GET.get("q", "").replace("\x00", "").split()[:8]:
        found = found.filter(
            Q(effect__icontains=word) | Q(tool__icontains=word) | Q(agent__icontains=word) | Q(tier__istartswith=word)
        )
    return found


def _with_order(listed: list[ApprovalRequest]) -> list[ApprovalRequest]:
    for row in listed:
        row.order = presenting.order(row)  # type: ignore[attr-defined]
        row.claimed = presenting.is_claimed(row)  # type: ignore[attr-defined]
        row.by = presenting.who(row.decided_by_name, row.decided_via)  # type: ignore[attr-defined]
    return listed
