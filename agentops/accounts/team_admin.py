"""What admin pages of team-owned things share: an admin of a team sees and changes that team's rows only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property

from agentops.core.errors import AgentOpsError

from .access import Right
from .models import Team


class TeamBound:
    """Rights from `Right.ADMINISTER`, not from Django's permission rows. For pages and inlines.

    `team_path` leads from the model to its team ("run__team"); "" means that it belongs to no team, and
    only superusers may touch it. Rows without a team ("every team") are superusers' too.
    """

    team_path = "team"

    def teams(self, request: HttpRequest) -> list[int] | None:
        return request.actor.teams_with(Right.ADMINISTER)  # type: ignore[attr-defined,no-any-return]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        teams = self.teams(request)
        if teams is None:
            return rows
        return rows.filter(**{f"{self.team_path}__in": teams}) if self.team_path else rows.none()

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        teams = self.teams(request)
        if teams is not None and db_field.remote_field.model is Team:
            kwargs["queryset"] = Team.objects.filter(pk__in=teams)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        if teams is not None and field and db_field.remote_field.model is Team:
            # Empty means "every team", which is not one team's to set.
            field.required = True
        return field

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        teams = self.teams(request)
        if teams is None:
            return True
        if not self.team_path or not teams:
            return False
        return obj is None or self.team_of(obj) in teams

    def team_of(self, obj: Any) -> int | None:
        for name in self.team_path.split("__")[:-1]:
            obj = getattr(obj, name)
        return getattr(obj, f"{self.team_path.rpartition('__')[2]}_id")  # type: ignore[no-any-return]


class OfOwnTeams(admin.RelatedFieldListFilter):
    """Filters by a team, or by something that a team owns, and names none of other teams."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        teams = model_admin.teams(request)  # type: ignore[attr-defined]
        path = "pk__in" if field.remote_field.model is Team else "team__in"
        return field.get_choices(  # type: ignore[no-any-return]
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to=None if teams is None else {path: teams},
        )


class CappedPaginator(Paginator):
    """Counts no further than it must: at millions of rows an exact count takes longer than the page."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        rows = self.object_list
        return rows[: self.MOST].count() if isinstance(rows, QuerySet) else len(rows)


class TeamAdmin(TeamBound, admin.ModelAdmin):
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """What an action refuses is said on the page; the transaction around the form has undone the rest."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except AgentOpsError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())


class ReadOnlyTeamAdmin(TeamAdmin):
    """For rows that only actions and workers write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
