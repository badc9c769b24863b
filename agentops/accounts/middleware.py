"""Gives every request its `actor`, and a signed-in person's pages their time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from .access import Actor
from .profiles import time_zone_of


class ActorMiddleware(MiddlewareMixin):
    """Views and endpoints pass one thing to actions."""

    def process_request(self, request: HttpRequest) -> None:
        request.actor = Actor(request.user)  # type: ignore[attr-defined]


class TimeZoneMiddleware(MiddlewareMixin):
    """Only for views that need a sign-in: others must not cost a query, and REST speaks UTC."""

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> None:
        zone = time_zone_of(request.user) if getattr(view, "login_required", True) else ""
        request.time_zone = zone  # type: ignore[attr-defined]
        timezone.activate(ZoneInfo(zone)) if zone else timezone.deactivate()
