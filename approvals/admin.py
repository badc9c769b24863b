"""Admin pages of policies, tool tiers and the record of requests. Saving a policy publishes it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops.accounts.team_admin import ReadOnlyTeamAdmin, TeamAdmin, TeamBound
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier

from . import rules
from .actions import publish_policy, save_draft
from .models import ApprovalRequest, Decision, Policy, PolicyVersion, Rule, ToolTier


class RuleForm(forms.ModelForm):
    class Meta:
        model = Rule
        fields = ["position", *rules.FIELDS]
        widgets = {"condition": forms.Textarea(attrs={"rows": 2, "cols": 40, "spellcheck": "false"})}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                rules.check({name: data[name] for name in rules.FIELDS})
            except InvalidInput as error:
                self.add_error(error.field, str(error))
        return data


class RuleInline(TeamBound, admin.TabularInline):
    model = Rule
    form = RuleForm
    team_path = "policy__team"
    fields = [
        "position",
        "name",
        "tool",
        "condition",
        "taint",
        "tier",
        "timer_seconds",
        "on_deadline",
        "agent",
    ]
    extra = 0
    max_num = 40
    """What fits into one form of DATA_UPLOAD_MAX_NUMBER_FIELDS; the console's own page takes more."""

    def team_of(self, obj: Policy) -> int | None:
        """Django asks an inline about its parent."""
        return obj.team_id


class PolicyForm(forms.ModelForm):
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """The draft's revision when the form was opened: who saves over another's change is told."""

    class Meta:
        model = Policy
        fields = ["team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = self.instance.revision


@admin.register(Policy)
class PolicyAdmin(TeamAdmin):
    form = PolicyForm
    inlines = [RuleInline]
    list_display = ["__str__", "live"]
    list_select_related = ["team", "live"]
    readonly_fields = ["live"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["team", "live"] if obj else ["live"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Requests name its versions. Without rules it says nothing; that is how to be rid of it."""
        return False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The action writes the rules, as it does for the console's page."""
        formset.save(commit=False)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        kept = [row.instance for row in formsets[0].forms if row.has_changed() or row.instance.pk]
        kept = [rule for rule in kept if rule not in formsets[0].deleted_objects]
        content = [rules.as_json(rule) for rule in sorted(kept, key=lambda rule: rule.position)]
        before = form.instance.live_id
        save_draft(request.actor, form.instance, content, form.cleaned_data.get("seen"))
        version = publish_policy(request.actor, form.instance)
        if version.pk == before:
            messages.info(request, _("The rules are as before; no new version was made."))
        else:
            messages.success(request, _("Published as %s; it decides from now on.") % version)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyTeamAdmin):
    team_path = "policy__team"
    list_display = ["__str__", "policy", "is_live", "note", "created_by_name", "created_at"]
    list_select_related = ["policy__team"]
    fields = ["policy", "number", "is_live", "note", "rules_in_words", "created_by_name", "created_at"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="live", boolean=True)
    def is_live(self, version: PolicyVersion) -> bool:
        return version.policy.live_id == version.pk

    @admin.display(description="rules, first match wins")
    def rules_in_words(self, version: PolicyVersion) -> SafeString | str:
        lines = [(number, rules.in_words(rule)) for number, rule in enumerate(version.rules, start=1)]
        return format_html_join("", "<div>{}. {}</div>", lines) or _("No rules: each tool's own tier counts.")


class ToolTierForm(forms.ModelForm):
    class Meta:
        model = ToolTier
        fields = ["team", "tool", "tier", "timer_seconds"]
        help_texts = {"team": _("Empty: every team.")}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                rules.check_timer(Tier(data["tier"]), data["timer_seconds"])
            except InvalidInput as error:
                self.add_error(error.field, str(error))
        return data


@admin.register(ToolTier)
class ToolTierAdmin(TeamAdmin):
    form = ToolTierForm
    list_display = ["tool", "tier", "timer_seconds", "team"]
    list_filter = ["tier"]
    list_select_related = ["team"]
    search_fields = ["tool"]
    ordering = ["tool", "id"]


class DecisionInline(TeamBound, admin.TabularInline):
    model = Decision
    team_path = "request__team"
    fields = ["revision", "decision", "by_name", "via", "reason", "at"]
    readonly_fields = fields
    can_delete = False

    def team_of(self, obj: ApprovalRequest) -> int | None:
        """Django asks an inline about its parent."""
        return obj.team_id

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnlyTeamAdmin):
    inlines = [DecisionInline]
    list_display = ["effect", "tier", "status", "tool", "agent", "team", "created_at", "decided_by_name"]
    list_filter = ["status", "tier"]
    list_select_related = ["team"]
    ordering = ["-created_at", "-id"]
