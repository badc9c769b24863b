"""Where a request comes from. Behind the TLS proxy that is what the proxy says; without one, nobody is believed."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The proxy appends whom it spoke with, so the last hop alone is not the client's own word."""
    direct = request.META.get("REMOTE_ADDR") or ""
    if not settings.AGENTOPS_BEHIND_PROXY:
        return direct[:64]
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return direct[:64]
