"""Where people are signed in: noted when they sign in, listed, and ended from afar."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .address import client_address
from .models import SignIn
from .news import announce


def note(request: HttpRequest, user: Any) -> None:
    """Called in the midst of signing in; also forgets the person's sign-ins that are over."""
    if request.session.session_key is None:
        request.session.create()
    SignIn.objects.filter(user=user).exclude(pk__in=[each.pk for each in alive(user)]).delete()
    SignIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "address": client_address(request),
            "browser": request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:300],
        },
    )


def alive(user: Any) -> list[SignIn]:
    """Newest first. One from before a change of the password opens nothing any more and is left out."""
    rows = {row.session_key: row for row in SignIn.objects.filter(user=user).order_by("-at", "-pk")}
    open_now = Session.objects.filter(session_key__in=rows, expire_date__gt=timezone.now())
    valid = {session.session_key for session in open_now if _opens(session.get_decoded(), user)}
    return [row for key, row in rows.items() if key in valid]


def end(user_id: int, keys: Collection[str]) -> None:
    Session.objects.filter(session_key__in=keys).delete()
    SignIn.objects.filter(session_key__in=keys).delete()
    announce([user_id])


def end_all(user: Any, but: str | None = None) -> int:
    """How many were ended. `but`: the key of the session that goes on."""
    keys = [row.session_key for row in SignIn.objects.filter(user=user) if row.session_key != but]
    end(user.pk, keys)
    return len(keys)


def moved(before: str, after: str) -> None:
    """Django gives a session a new key when its person changes the password."""
    SignIn.objects.filter(session_key=before).update(session_key=after)


def _opens(content: dict[str, Any], user: Any) -> bool:
    known = content.get(HASH_SESSION_KEY, "")
    return content.get(SESSION_KEY) == str(user.pk) and constant_time_compare(known, user.get_session_auth_hash())
