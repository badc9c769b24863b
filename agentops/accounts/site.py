"""Django's admin as this console's: open to who administers a team; Django's permission rows play no part."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _


class ConsoleAdminConfig(AdminConfig):
    default_site = "agentops.accounts.site.ConsoleAdminSite"


class ConsoleAdminSite(AdminSite):
    site_header = site_title = _("AgentOps")
    index_title = _("Administration")
    site_url = "/"

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """PostgreSQL stores no NUL, and Django's own filters would ask it for one: that is a bad request."""

        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if "%00" in request.META.get("QUERY_STRING", ""):
                raise BadRequest("An address cannot hold a NUL character.")
            return view(request, *args, **kwargs)

        return super().admin_view(checked, cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        from .access import Right  # models are not loaded yet when Django reads this module

        teams = request.actor.teams_with(Right.ADMINISTER)  # type: ignore[attr-defined]
        return teams is None or bool(teams)

    @property
    def login_form(self) -> type:  # type: ignore[override]
        from .forms import SignInForm

        return SignInForm
