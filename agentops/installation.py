"""The installation as its superusers may see it: what is set, what runs. Read only, and no secret among it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from agentops.accounts.pages.answers import not_for_you
from agentops.env import Env
from agentops.live import roster
from agentops.version import version
from runs.sweep import KEEP_KEYS


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    if not request.user.is_superuser:
        return not_for_you(request, _("Installation"), _("a superuser"))
    env: Env = settings.ENV
    context = {
        "version": version(),
        "simulated": env.simulated,
        "providers": [
            {"name": "Anthropic", "key": bool(env.anthropic_api_key), "host": _host(env.anthropic_base_url)},
            {"name": "OpenAI", "key": bool(env.openai_api_key), "host": _host(env.openai_base_url)},
        ],
        "workers": roster.look(),
        "embedded": env.embedded is not None,
        "data_dir": env.data_dir,
        "https": env.https,
        "hosts": settings.ALLOWED_HOSTS,
        "grace": settings.AGENTOPS_GRACE_SECONDS,
        "budget_zone": settings.TIME_ZONE,
        "keep_keys_days": KEEP_KEYS.days,
        "session_hours": settings.SESSION_COOKIE_AGE // 3600,
    }
    return render(request, "accounts/installation.html", context)


def _host(url: str) -> str:
    """Without what else an address may hold: a name and password, say."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
