"""Tokens as people see them: everybody their own, an admin those of the team's people."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from .. import tokens
from ..access import Actor, Right
from ..models import AccessChange, ApiToken
from .record import record
from .sight import people_seen


def tokens_seen(actor: Actor) -> QuerySet[ApiToken]:
    """A superuser's tokens are seen by superusers and by their owner alone."""
    rows = ApiToken.objects.all()
    if actor.teams_with(Right.ADMINISTER) is None:
        return rows
    people = people_seen(actor).filter(is_superuser=False)
    return rows.filter(Q(owner=actor.user) | Q(owner__in=people))  # type: ignore[misc]


@transaction.atomic
def revoke_token(actor: Actor, token_id: int) -> ApiToken:
    """Again is no error. Raises ApiToken.DoesNotExist for one that the actor does not see."""
    token = tokens_seen(actor).select_related("owner").get(pk=token_id)
    if token.revoked_at is None:
        tokens.revoke(token)
        if token.owner_id != actor.user.pk:  # type: ignore[attr-defined]
            record(actor, AccessChange.Kind.TOKEN_REVOKED, token.owner)
    return token
