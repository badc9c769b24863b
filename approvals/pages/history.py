"""What was decided: searchable, with the same detail as the queue."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from approvals.models import ApprovalRequest

from . import cursor, presenting

SIZE = 50


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    decided = ApprovalRequest.objects.visible_to(request.actor).exclude(status=ApprovalRequest.Status.PENDING)
    status, q = request.GET.get("status", ""), request.GET.get("q", "").replace("\x00", "")
    if status in ApprovalRequest.Status.values:
        decided = decided.filter(status=status)
    for word in q.split()[:8]:
        decided = decided.filter(
            Q(effect__icontains=word)
            | Q(tool__icontains=word)
            | Q(agent__icontains=word)
            | Q(decided_by_name__icontains=word)
        )
    shown = cursor.newest_first(decided, "decided_at", request.GET.get("cursor", ""), SIZE)
    for row in shown.rows:
        row.by = presenting.who(row.decided_by_name, row.decided_via)
    statuses = [choice for choice in ApprovalRequest.Status.choices if choice[0] != ApprovalRequest.Status.PENDING]
    return render(request, "approvals/history.html", {"page": shown, "status": status, "q": q, "statuses": statuses})
