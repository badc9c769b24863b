"""Makes a token for oneself; a program that acts through a token makes none that reaches further or lives longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput, NotAllowed

from .. import tokens
from ..access import Actor
from ..models import ApiToken


def make_token(actor: Actor, *, name: str, scopes: Sequence[str], days: int) -> tuple[ApiToken, str]:
    """The row, and the secret, which exists nowhere else. Raises InvalidInput and NotAllowed."""
    if actor.token is not None:
        more = sorted(set(scopes) - set(actor.token.scopes))
        if more:
            raise NotAllowed(
                _("This token lacks %(scopes)s, so it makes no token that has it. Sign in to do so.")
                % {"scopes": ", ".join(more)}
            )
        if timezone.now() + timedelta(days=days) > actor.token.expires_at:
            raise InvalidInput(_("A token makes none that outlives it. Ask for fewer days, or sign in."), "days")
    return tokens.create_token(actor.user, name, scopes, days)
