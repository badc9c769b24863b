"""No page of another site opens a socket with our visitor's cookie: the origin is ours or a trusted one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin:
    """ASGI middleware, stricter than ALLOWED_HOSTS: host and port are those the browser connected to."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name.lower(): value.decode("latin1") for name, value in scope["headers"]}
        allowed = is_own(headers.get(b"origin", ""), headers.get(b"host", ""))
        return await (self.application if allowed else WebsocketDenier())(scope, receive, send)


def is_own(origin: str, host: str) -> bool:
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    schemes = {"https"} if settings.SESSION_COOKIE_SECURE else {"http", "https"}
    return parts.scheme in schemes and parts.netloc.lower() == host.lower()
