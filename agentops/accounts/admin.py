"""Admin pages of people, teams and tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from . import tokens
from .access import SCOPES
from .actions.record import record
from .models import AccessChange, ApiToken, Membership, Team
from .team_admin import TeamAdmin, TeamBound

Kind = AccessChange.Kind

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(Team)
class TeamsAdmin(TeamAdmin):
    team_path = "id"
    list_display = ["name", "slug", "created_at"]
    prepopulated_fields = {"slug": ["name"]}

    def team_of(self, obj: Any) -> int | None:
        return obj.pk  # type: ignore[no-any-return]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.teams(request) is None

    has_delete_permission = has_add_permission


class MembershipInline(TeamBound, admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        # A person without a team would vanish from the sight of the team's admin who made them.
        least = 0 if self.teams(request) is None else 1
        return super().get_formset(request, obj, min_num=least, validate_min=bool(least), **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, None)

    has_view_permission = has_delete_permission = has_change_permission


@admin.register(User)
class PeopleAdmin(TeamBound, UserAdmin):  # type: ignore[type-arg]
    """A team's admin manages the people who are in no other team; a superuser everybody."""

    inlines = [MembershipInline]
    list_display = ["username", "first_name", "last_name", "email", "roles", "is_active", "last_login"]
    list_filter = ["is_active", "memberships__role"]
    filter_horizontal = []
    team_path = "memberships__team"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        powers = ["is_active", "is_superuser"] if self.teams(request) is None else ["is_active"]
        return [
            (None, {"fields": ["username", "password", *powers]}),
            (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__team").distinct()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        teams = self.teams(request)
        if teams is None or obj is None:
            return self._may(request, None)
        return any(membership.team_id in teams for membership in obj.memberships.all())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        teams = self.teams(request)
        if teams is None or obj is None:
            return self._may(request, None)
        # Whoever can change a person's password can act as that person: only where that gives no new right.
        mine = [membership.team_id in teams for membership in obj.memberships.all()]
        return not obj.is_superuser and bool(mine) and all(mine)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.teams(request) is None and obj != request.user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            record(request.actor, Kind.ADDED, obj)
        elif "is_active" in form.changed_data:
            record(request.actor, Kind.REACTIVATED if obj.is_active else Kind.DEACTIVATED, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        person = form.instance
        before = _roles_by_team(person)
        super().save_related(request, form, formsets, change)
        after = _roles_by_team(person)
        for team in Team.objects.filter(pk__in={*before, *after}).order_by("pk"):
            was, now = before.get(team.pk, []), after.get(team.pk, [])
            if was != now:
                record(request.actor, Kind.ROLES, person, team, was, now)

    @admin.display(description=_("roles"))
    def roles(self, person: User) -> str:
        return ", ".join(f"{m.get_role_display()} in {m.team}" for m in person.memberships.all())  # type: ignore[attr-defined]


def _roles_by_team(person: User) -> dict[int, list[str]]:
    roles: dict[int, list[str]] = {}
    for team_id, role in Membership.objects.filter(user=person).order_by("role").values_list("team_id", "role"):
        roles.setdefault(team_id, []).append(role)
    return roles


class NewTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        min_value=1, max_value=tokens.MAX_DAYS, initial=90, help_text=_("How many days the token lives.")
    )

    class Meta:
        model = ApiToken
        fields = ["name"]


@admin.register(ApiToken)
class TokenAdmin(TeamAdmin):
    """Everybody sees their own; a superuser sees all. The secret is shown once, right after the token was made."""

    list_display = ["name", "hint", "owner", "scope_names", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ["owner"]
    fields = [
        "name",
        "hint",
        "owner",
        "scope_names",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    ]
    actions = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows = ApiToken.objects.all()
        return rows if self.teams(request) is None else rows.filter(owner=request.user)

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        return super()._may(request, None) and (
            obj is None or self.teams(request) is None or obj.owner_id == request.user.pk
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and self._may(request, None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ["name", "scopes", "days"]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **kwargs) if obj else NewTokenForm

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> ApiToken:
        form.save(commit=False)
        data = form.cleaned_data
        token, secret = tokens.create_token(request.user, data["name"], data["scopes"], data["days"])
        messages.warning(request, format_html(_("Copy it now, it is not shown again: <code>{}</code>"), secret))
        return token

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Already saved: making the row and the secret is one act."""

    @admin.action(description=_("Revoke the selected tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        for token in chosen:
            tokens.revoke(token)
        messages.success(request, _("Revoked: they open nothing from now on."))

    @admin.display(description=_("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)
