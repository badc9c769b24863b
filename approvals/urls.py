"""Addresses of the review queue."""

from __future__ import annotations

from django.urls import path

from .pages import decision, history, inbox

urlpatterns = [
    path("", inbox.page, name="approvals"),
    path("rows", inbox.rows, name="approvals-rows"),
    path("count", inbox.count, name="approvals-count"),
    path("history/", history.page, name="approvals-history"),
    path("<uuid:request_id>", inbox.page, name="approval"),
    path("<uuid:request_id>/decision", decision.decide, name="approval-decision"),
]
