"""Gives every request its `actor`, so that views and endpoints pass one thing to actions."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from .access import Actor


class ActorMiddleware(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        request.actor = Actor(request.user)  # type: ignore[attr-defined]
