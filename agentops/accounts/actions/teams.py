"""Superusers make teams; a team's admins name it. Its short name, which stands in addresses, stays."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput, NotAllowed

from ..access import Actor, Right
from ..models import Team
from .sight import team_for


def create_team(actor: Actor, name: str) -> Team:
    if actor.teams_with(Right.ADMINISTER) is not None or not actor.scope_allows(Right.ADMINISTER):
        raise NotAllowed(_("Only a superuser makes teams."))
    name = _checked(name)
    short = slugify(name)[:70] or "team"
    slug, number = short, 2
    while Team.objects.filter(slug=slug).exists():
        slug, number = f"{short}-{number}", number + 1
    return _saved(Team(name=name, slug=slug))


def rename_team(actor: Actor, team_id: int, name: str) -> Team:
    team = team_for(actor, team_id)
    team.name = _checked(name)
    return _saved(team)


def _saved(team: Team) -> Team:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise InvalidInput(_("Another team has this name. Choose another."), "name") from error
    return team


def _checked(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not 1 <= len(name) <= 80:
        raise InvalidInput(_("A team’s name has 1 to 80 characters."), "name")
    return name
