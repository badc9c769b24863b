"""Whoever signs in or out, or changes a role or a person, by whatever door: it is noted and told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from . import sessions
from .models import Membership
from .news import announce


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    sessions.note(request, user)


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    """Django ends the session only after this; the sockets, told now, must find it gone."""
    if user is not None and request.session.session_key:
        sessions.end(user.pk, [request.session.session_key])


@receiver([post_save, post_delete], sender=Membership)
def _role_changed(instance: Membership, **_: Any) -> None:
    announce([instance.user_id])


@receiver(post_save, sender=get_user_model())
def _person_changed(instance: Any, created: bool, update_fields: Any, **_: Any) -> None:
    if not created and update_fields != {"last_login"}:
        announce([instance.pk])
