"""The record of who changed whose access; written in the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User

from ..access import Actor
from ..models import AccessChange, Team


def record(
    actor: Actor,
    kind: AccessChange.Kind,
    person: User,
    team: Team | None = None,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> AccessChange:
    return AccessChange.objects.create(
        kind=kind,
        by=actor.user,
        by_name=str(actor)[:150],
        person=person,
        person_name=person.get_username(),
        team=team,
        team_name=team.name if team else "",
        before=list(before),
        after=list(after),
    )
