"""Tokens: one's own to make and revoke; an admin also revokes those of the team's people."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agentops.accounts import actions
from agentops.accounts.access import SCOPE_MEANS
from agentops.accounts.models import ApiToken
from agentops.accounts.tokens import MAX_DAYS, create_token
from agentops.core.errors import InvalidInput

from .answers import tried

MOST = 200


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A POST makes one, and its answer is the only place where the secret is ever shown."""
    form = {"name": request.POST.get("name", ""), "days": request.POST.get("days", "90")}
    chosen = request.POST.getlist("scopes")
    context: dict[str, Any] = {"form": form, "most_days": MAX_DAYS}
    status = 200
    if request.method == "POST":
        try:
            typed = form["days"]
            days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
            name = form["name"].replace("\0", "")
            context["made"], context["secret"] = create_token(request.user, name, chosen, days)
            context["form"], chosen, status = {"name": "", "days": "90"}, [], 201
        except InvalidInput as error:
            context |= {"error": str(error), "field": error.field}
            status = 422
    context["scopes"] = [
        {"value": scope, "means": means, "chosen": scope in chosen} for scope, means in SCOPE_MEANS.items()
    ]
    rows = actions.tokens_seen(request.actor).select_related("owner").order_by("-created_at")
    context["own"] = _marked(rows.filter(owner=request.user)[:MOST])
    context["others"] = _marked(rows.exclude(owner=request.user)[:MOST])
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    tried(request, lambda: actions.revoke_token(request.actor, token_id), _("Revoked: it opens nothing from now on."))
    return redirect("tokens")


def _marked(tokens: Any) -> list[ApiToken]:
    now = timezone.now()
    rows = list(tokens)
    for row in rows:
        row.state = "revoked" if row.revoked_at else "expired" if row.expires_at <= now else "active"
    return rows
