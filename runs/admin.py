"""Admin pages of agents, budgets and prices, and of what runs left behind (to read, never to change)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from agentops.accounts.team_admin import OfOwnTeams, ReadOnlyTeamAdmin, TeamAdmin, TeamBound

from . import actions
from .agent_form import VERSION_FIELDS, AgentForm
from .models import Account, Agent, AgentVersion, Budget, ModelCall, ModelPrice, Run, Step, ToolCall


class VersionInline(TeamBound, admin.TabularInline):  # type: ignore[type-arg]
    """Every version there was, newest first: to see what changed, not to change it."""

    model = AgentVersion
    fields = readonly_fields = ["number", "note", "created_by_name", "created_at", "model_chain", "tools"]
    extra = 0
    max_num = 0
    can_delete = False
    team_path = "agent__team"
    show_change_link = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, None)

    has_add_permission = has_delete_permission = has_change_permission


@admin.register(Agent)
class AgentAdmin(TeamAdmin):
    """The agent and its live version as one form: saving publishes a new version when that part changed."""

    form = AgentForm
    list_display = ["title", "name", "team", "active", "live"]
    list_filter = ["active", ("team", OfOwnTeams)]
    list_select_related = ["team", "live__agent"]
    search_fields = ["title", "name"]
    inlines = [VersionInline]
    fieldsets = [
        (None, {"fields": ["team", "name", "title", "description", "example_goal", "active"]}),
        (
            _("Version"),
            {
                "fields": [*VERSION_FIELDS, "success", "note"],
                "description": _("A change here is published as a new version."),
            },
        ),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if set(form.changed_data) & {*VERSION_FIELDS, "success"} or form.instance.live_id is None:
            version = actions.publish_agent(
                request.actor,  # type: ignore[attr-defined]
                form.instance,
                note=form.cleaned_data["note"],
                **form.version_fields(),
            )
            messages.info(request, _("Published as version %s. Runs under way keep theirs.") % version.number)


@admin.register(AgentVersion)
class AgentVersionAdmin(ReadOnlyTeamAdmin):
    team_path = "agent__team"
    list_display = ["agent", "number", "note", "created_by_name", "created_at"]
    list_select_related = ["agent"]
    list_filter = [("agent", OfOwnTeams)]


@admin.register(Budget)
class BudgetAdmin(TeamAdmin):
    list_display = ["__str__", "team", "period", "limit_usd", "warn_percent"]
    list_select_related = ["team"]
    list_filter = ["period"]

    def save_model(self, request: HttpRequest, obj: Any, form: Form, change: bool) -> None:
        actions.save_budget(request.actor, obj)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        actions.delete_budget(request.actor, obj)  # type: ignore[attr-defined]

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for budget in queryset:
            self.delete_model(request, budget)


@admin.register(Account)
class AccountAdmin(ReadOnlyTeamAdmin):
    team_path = "budget__team"
    list_display = ["budget", "starts_on", "spent", "held"]
    list_select_related = ["budget__team"]
    list_filter = ["starts_on"]
    ordering = ["-starts_on"]


@admin.register(ModelPrice)
class ModelPriceAdmin(TeamAdmin):
    team_path = ""
    list_display = ["model", "input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "updated_at"]


@admin.register(Run)
class RunAdmin(ReadOnlyTeamAdmin):
    list_display = [
        "short_goal",
        "agent_name",
        "team",
        "status",
        "waiting_on",
        "outcome",
        "steps",
        "cost_usd",
        "created_at",
    ]
    list_filter = ["status", "waiting_on", "outcome", "started_via", ("team", OfOwnTeams)]
    list_select_related = ["team"]
    ordering = ["-created_at", "-id"]

    @admin.display(description=_("goal"))
    def short_goal(self, run: Run) -> str:
        return run.goal[:80]

    def view_on_site(self, run: Run) -> str:
        return reverse("run", args=[run.pk])


class OfRunAdmin(ReadOnlyTeamAdmin):
    team_path = "run__team"
    list_select_related = ["run"]
    ordering = ["-id"]

    @admin.display(description=_("run"))
    def run_link(self, row: Any) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[row.run_id]), str(row.run))


@admin.register(Step)
class StepAdmin(OfRunAdmin):
    list_display = ["number", "run_link", "status", "model", "stop_reason", "cost_usd", "opened_at"]
    list_filter = ["status"]


@admin.register(ToolCall)
class ToolCallAdmin(OfRunAdmin):
    list_display = ["tool", "run_link", "status", "tier", "effect", "proposed_at"]
    list_filter = ["status", "tier"]


@admin.register(ModelCall)
class ModelCallAdmin(OfRunAdmin):
    list_display = ["model", "run_link", "provider", "cost_usd", "estimated", "error_kind", "started_at"]
    list_filter = ["estimated", "error_kind"]
