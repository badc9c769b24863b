"""A person's own settings: profile, time zone, theme, password, and where they are signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts import browsers, profiles, sessions, throttle
from agentops.accounts.models import SignIn
from agentops.core.errors import InvalidInput

PASSWORD_FIELDS = ("old_password", "new_password1", "new_password2")


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
def profile(request: HttpRequest) -> HttpResponse:
    form = {name: request.POST.get(name, "") for name in ("name", "email", "time_zone")}
    try:
        profiles.save(request.user, **form)
    except InvalidInput as error:
        return _page(request, profile=form, profile_error=str(error), field=error.field)
    messages.success(request, _("Saved."))
    return redirect("settings")


@sensitive_post_parameters(*PASSWORD_FIELDS)
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Ends every other sign-in. Guessing the old password is slowed down like guessing at the sign-in."""
    attempt = throttle.begin(request, request.user.get_username())
    if attempt is None:
        return _page(request, password_errors={"": [_("Too many attempts. Wait five minutes, then try again.")]})
    form = PasswordChangeForm(request.user, request.POST)
    if not form.is_valid():
        if "old_password" not in form.errors:
            throttle.forgive(attempt)
        return _page(request, password_errors=dict(form.errors))
    throttle.forgive(attempt)
    form.save()
    before = request.session.session_key or ""
    update_session_auth_hash(request, form.user)
    sessions.moved(before, request.session.session_key or "")
    sessions.end_all(form.user, but=request.session.session_key)
    messages.success(request, _("The password is changed; every other browser is signed out."))
    return redirect("settings")


@require_POST
def end(request: HttpRequest, sign_in_id: int) -> HttpResponse:
    row = get_object_or_404(SignIn, pk=sign_in_id, user=request.user)
    sessions.end(request.user.pk, [row.session_key])
    if row.session_key == request.session.session_key:
        request.session.flush()
        return redirect("login")
    messages.success(request, _("That browser is signed out."))
    return redirect("settings")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    sessions.end_all(request.user, but=request.session.session_key)
    messages.success(request, _("Every other browser is signed out."))
    return redirect("settings")


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    user = request.user
    saved = {"name": user.get_full_name(), "email": user.email, "time_zone": profiles.time_zone_of(user)}
    sign_ins = sessions.alive(user)
    for row in sign_ins:
        row.words, row.here = browsers.in_words(row.browser), row.session_key == request.session.session_key
    context = {"profile": saved, "zones": profiles.time_zones(), "sign_ins": sign_ins, **more}
    return render(request, "accounts/settings.html", context, status=422 if more else 200)
