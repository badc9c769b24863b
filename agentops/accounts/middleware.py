"""Gives every request its `actor`, and a signed-in person's pages their time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from .access import Actor
from .profiles import time_zone_of


class SignInRequired(LoginRequiredMiddleware):
    """A part of a page whose sign-in is over is refused: the sign-in page must not stand inside another page."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:
        if "HX-Request" in request.headers:
            return HttpResponse(status=401)
        answer: HttpResponse = super().handle_no_permission(request, view_func)
        return answer


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
