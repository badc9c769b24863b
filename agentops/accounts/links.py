"""One-time links at which a person sets a password: signed, kept nowhere, good for PASSWORD_RESET_TIMEOUT."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from .models import Profile


class LinkTokens(PasswordResetTokenGenerator):
    """Void once used or signed in, once the person is deactivated, and once a newer link is made."""

    key_salt = "agentops.accounts.links"

    def _make_hash_value(self, user: User, timestamp: int) -> str:  # type: ignore[override]
        key = Profile.objects.filter(user=user).values_list("link_key", flat=True).first() or ""
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}{key}"


link_tokens = LinkTokens()


def make(person: User) -> str:
    """The path. Older links of this person open nothing from now on."""
    Profile.objects.update_or_create(user=person, defaults={"link_key": secrets.token_hex(8)})
    who = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("set-password", args=[who, link_tokens.make_token(person)])
