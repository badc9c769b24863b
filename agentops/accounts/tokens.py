"""Makes API tokens and recognises them.

A token is 32 random bytes, so its plain SHA-256 can be kept: nobody can guess through 2^256 values however
fast the hash is. Slow hashes exist for passwords, which people choose; here they would only cost time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.core.errors import AgentOpsError, InvalidInput

from .access import SCOPES
from .models import ApiToken

PREFIX = "ao_"
MAX_DAYS = 730
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(AgentOpsError):
    """The token opens nothing. What is wrong is told only to who holds a token that was once real."""


def create_token(owner: Any, name: str, scopes: Iterable[str], days: int = 90) -> tuple[ApiToken, str]:
    """The row, and the secret, which exists nowhere else: show it once. `owner` is a Django user."""
    chosen = sorted(set(scopes))
    unknown = [scope for scope in chosen if scope not in SCOPES]
    if unknown or not chosen:
        said = (
            _("There is no scope %(scopes)s.") % {"scopes": ", ".join(unknown)}
            if unknown
            else _("A token needs a scope.")
        )
        raise InvalidInput(
            _("%(said)s Take one or more of: %(scopes)s.") % {"said": said, "scopes": ", ".join(SCOPES)}, "scopes"
        )
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(_("A token lives 1 to %(most)s days.") % {"most": MAX_DAYS}, "days")
    if not 1 <= len(name.strip()) <= 80:
        raise InvalidInput(_("Name the token after what uses it, in 1 to 80 characters."), "name")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        owner=owner,
        name=name.strip(),
        hash=_hash(secret),
        hint=secret[:8],
        scopes=chosen,
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, secret


def verify(secret: str) -> ApiToken:
    """The live token with this secret, its owner loaded. Raises TokenRefused.

    The work is the same for every secret: one hash and one look-up by it. What the look-up's timing could
    betray is a hash, which opens nothing.
    """
    token = ApiToken.objects.select_related("owner").filter(hash=_hash(secret)).first()
    if token is None:
        raise TokenRefused(_("This token is not known."))
    if token.revoked_at:
        raise TokenRefused(_("This token was revoked."))
    now = timezone.now()
    if token.expires_at <= now:
        raise TokenRefused(_("This token has expired."))
    if not token.owner.is_active:
        raise TokenRefused(_("This token's owner is no longer active."))
    _note_use(token)
    return token


def revoke(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
