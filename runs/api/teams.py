"""How requests name a team: by its slug, among those that one may see."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet
from ninja import Query

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team

TeamSlug = Annotated[str, Query(max_length=80, description="A team's slug; needed when you are in several.")]


def visible_teams(actor: Actor) -> QuerySet[Team]:
    teams = actor.teams_with(Right.VIEW)
    return (Team.objects.all() if teams is None else Team.objects.filter(pk__in=teams)).order_by("id")
