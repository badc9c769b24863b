"""The installation as its superusers may see it: what is set, what runs. Read only, and no secret among it."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from agentops.accounts.pages.answers import not_for_you
from agentops.env import PROJECT, Env
from agentops.live import channels
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
        "workers": _workers(),
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


@cache
def version() -> str:
    return str(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"])


def _host(url: str) -> str:
    """Without what else an address may hold: a name and password, say."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""


def _workers() -> list[dict[str, Any]] | None:
    """Who said lately that they live, and how many runs each holds. None: Redis does not answer."""
    prefix = channels.worker_key("")
    client = redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=0.5, socket_connect_timeout=0.5
    )
    try:
        names = sorted(client.scan_iter(match=f"{prefix}*", count=1000))
        held = client.mget(names) if names else []
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
    return [{"name": name.removeprefix(prefix), "runs": runs} for name, runs in zip(names, held, strict=True)]
