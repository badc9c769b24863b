"""Addresses of the console's pages about runs and agents."""

from __future__ import annotations

from django.urls import path

from .pages import agent, agent_editor, agent_versions, agents, controls, outbox, overview, raw, run, run_list, start

urlpatterns = [
    path("", overview.page, name="overview"),
    path("overview/live", overview.live, name="overview-live"),
    path("runs/", run_list.page, name="runs"),
    path("runs/rows", run_list.rows, name="runs-rows"),
    path("runs/new", start.page, name="run-new"),
    path("runs/new/inputs", start.inputs, name="run-new-inputs"),
    path("runs/<uuid:run_id>/", run.page, name="run"),
    path("runs/<uuid:run_id>/updates", run.updates, name="run-updates"),
    path("runs/<uuid:run_id>/steps", run.earlier, name="run-steps"),
    path("runs/<uuid:run_id>/steps/<int:number>/raw", raw.panel, name="run-step-raw"),
    path("runs/<uuid:run_id>/steps/<int:number>/request", raw.whole_request, name="run-step-request"),
    path("runs/<uuid:run_id>/cancellation", controls.cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/suspension", controls.pause, name="run-pause"),
    path("runs/<uuid:run_id>/resumption", controls.resume, name="run-resume"),
    path("runs/<uuid:run_id>/messages", controls.message, name="run-message"),
    path("runs/<uuid:run_id>/limits", controls.limits, name="run-limits"),
    path("runs/<uuid:run_id>/continuation", controls.let_go_on, name="run-continue"),
    path("runs/<uuid:run_id>/answers", controls.answer, name="run-answer"),
    path("runs/<uuid:run_id>/calls/<int:call_id>/resolution", controls.resolve, name="call-resolve"),
    path("agents/", agents.page, name="agents"),
    path("agents/new", agent_editor.new, name="agent-new"),
    path("agents/<slug:team>/<slug:name>/", agent.page, name="agent"),
    path("agents/<slug:team>/<slug:name>/activation", agent.switch, name="agent-switch"),
    path("agents/<slug:team>/<slug:name>/edit", agent_editor.edit, name="agent-edit"),
    path("agents/<slug:team>/<slug:name>/candidate", agent_versions.candidate, name="agent-candidate"),
    path("agents/<slug:team>/<slug:name>/versions/", agent_versions.page, name="agent-versions"),
    path(
        "agents/<slug:team>/<slug:name>/versions/<int:number>/restoration",
        agent_versions.roll_back,
        name="agent-restore",
    ),
    path("outbox/", outbox.page, name="outbox"),
    path("outbox/<int:message_id>", outbox.page, name="outbox-message"),
]
