"""The one way to sign in with a password. Console and admin share it, so neither can be used to guess."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from . import throttle


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "throttled": _("Too many attempts with this name. Wait five minutes, then try again."),
    }

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("password"):
            return self.cleaned_data
        attempt = throttle.begin(self.request, self.cleaned_data.get("username") or "")
        if attempt is None:
            raise ValidationError(self.error_messages["throttled"], code="throttled")
        cleaned: dict[str, Any] = super().clean()
        if self.user_cache is not None:
            throttle.forgive(attempt)
        return cleaned
