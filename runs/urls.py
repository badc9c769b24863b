"""Addresses of the console's pages about runs and agents."""

from __future__ import annotations

from django.urls import path

from .pages import agents, controls, outbox, overview, run, run_list, start

urlpatterns = [
    path("", overview.page, name="overview"),
    path("overview/live", overview.live, name="overview-live"),
    path("runs/", run_list.page, name="runs"),
    path("runs/rows", run_list.rows, name="runs-rows"),
    path("runs/new", start.page, name="run-new"),
    path("runs/<uuid:run_id>/", run.page, name="run"),
    path("runs/<uuid:run_id>/updates", run.updates, name="run-updates"),
    path("runs/<uuid:run_id>/steps", run.earlier, name="run-steps"),
    path("runs/<uuid:run_id>/steps/<int:number>/raw", run.raw, name="run-step-raw"),
    path("runs/<uuid:run_id>/cancellation", controls.cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/suspension", controls.pause, name="run-pause"),
    path("runs/<uuid:run_id>/resumption", controls.resume, name="run-resume"),
    path("runs/<uuid:run_id>/calls/<int:call_id>/resolution", controls.resolve, name="call-resolve"),
    path("agents/", agents.page, name="agents"),
    path("outbox/", outbox.page, name="outbox"),
    path("outbox/<int:message_id>", outbox.page, name="outbox-message"),
]
