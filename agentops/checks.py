"""Misconfiguration that Django's own checks do not know. Run at every start; says what to set instead."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from agentops.env import Env


@register(Tags.security)
def bind_is_safe(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """What may be reached from outside this machine needs more care than what may not."""
    env: Env = settings.ENV
    if _is_loopback(env.bind):
        return []
    found: list[CheckMessage] = []
    if env.debug:
        found.append(
            Error(
                f"AGENTOPS_DEBUG is on while AGENTOPS_BIND={env.bind} opens the console to others: "
                "error pages would show them settings and code.",
                hint="Unset AGENTOPS_DEBUG, or bind to 127.0.0.1.",
                id="agentops.E001",
            )
        )
    if "*" in env.allowed_hosts:
        found.append(
            Error(
                f"AGENTOPS_ALLOWED_HOSTS=* while AGENTOPS_BIND={env.bind}: any web page could point its own name here.",
                hint="List the names by which people reach the console.",
                id="agentops.E002",
            )
        )
    if not env.https:
        found.append(
            Warning(
                f"AGENTOPS_BIND={env.bind} without AGENTOPS_HTTPS: "
                "passwords and tokens cross the network in the clear.",
                hint="Put a TLS proxy in front and set AGENTOPS_HTTPS=1.",
                id="agentops.W001",
            )
        )
    return found


@register(Tags.security)
def secret_key_is_secret(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if len(set(settings.SECRET_KEY)) >= 10:
        return []
    return [
        Error(
            "AGENTOPS_SECRET_KEY is not random: whoever guesses it can sign in as anyone.",
            hint="Set it to the output of: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="agentops.E003",
        )
    ]


@register(Tags.security)
def data_folder_is_private(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    folder: Path = settings.ENV.data_dir
    if not folder.is_dir() or not folder.stat().st_mode & 0o007:
        return []
    return [
        Warning(
            f"Everybody on this machine may open the data folder {folder}; it holds keys and what agents wrote.",
            hint=f"chmod 700 {folder}",
            id="agentops.W002",
        )
    ]


def _is_loopback(bind: str) -> bool:
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind.strip("[]")).is_loopback
    except ValueError:
        return False
