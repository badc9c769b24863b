"""Where a one-time link leads: choose a password, then sign in with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from agentops.accounts import sessions
from agentops.accounts.links import link_tokens


@method_decorator(login_not_required, name="dispatch")
class SetPassword(PasswordResetConfirmView):
    """The secret moves into the session and out of the address, so that no history or referrer keeps it."""

    template_name = "accounts/set_password.html"
    token_generator = link_tokens
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        sessions.end_all(form.user)
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return response
