"""Addresses of the review queue."""

from __future__ import annotations

from django.urls import path

from .pages import asking, decision, editing, history, inbox, selection

urlpatterns = [
    path("", inbox.page, name="approvals"),
    path("rows", inbox.rows, name="approvals-rows"),
    path("rows/rest", inbox.rest, name="approvals-rest"),
    path("count", inbox.count, name="approvals-count"),
    path("selection", selection.page, name="approvals-selection"),
    path("history/", history.page, name="approvals-history"),
    path("<uuid:request_id>", inbox.page, name="approval"),
    path("<uuid:request_id>/decision", decision.decide, name="approval-decision"),
    path("<uuid:request_id>/arguments", editing.page, name="approval-arguments"),
    path("<uuid:request_id>/questions", asking.ask, name="approval-questions"),
    path("<uuid:request_id>/claim", asking.claim, name="approval-claim"),
]
