"""Mail that agents sent, to read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from approvals.pages import cursor
from runs.models import OutboxMessage, Run

SIZE = 50


@require_GET
def page(request: HttpRequest, message_id: int | None = None) -> HttpResponse:
    visible = OutboxMessage.objects.filter(run__in=Run.objects.visible_to(request.actor)).select_related("run")
    listed = cursor.newest_first(visible, "sent_at", request.GET.get("cursor", ""), SIZE)
    chosen = get_object_or_404(visible, pk=message_id) if message_id else None
    message = chosen or (listed.rows[0] if listed.rows else None)
    return render(request, "runs/outbox.html", {"page": listed, "message": message, "opened": chosen is not None})
