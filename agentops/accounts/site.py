"""Django's admin as this console's: open to who administers a team; Django's permission rows play no part."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class ConsoleAdminConfig(AdminConfig):
    default_site = "agentops.accounts.site.ConsoleAdminSite"


class ConsoleAdminSite(AdminSite):
    site_header = site_title = _("AgentOps")
    index_title = _("Administration")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        from .access import Right  # models are not loaded yet when Django reads this module

        teams = request.actor.teams_with(Right.ADMINISTER)  # type: ignore[attr-defined]
        return teams is None or bool(teams)

    @property
    def login_form(self) -> type:  # type: ignore[override]
        from .forms import SignInForm

        return SignInForm
