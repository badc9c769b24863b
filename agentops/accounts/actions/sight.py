"""Which people and teams an admin sees, and whose person as a whole is theirs to change."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from agentops.core.errors import NotAllowed

from ..access import WHO_CAN, Actor, Right
from ..models import Membership, Team


def teams_administered(actor: Actor) -> QuerySet[Team]:
    teams = actor.teams_with(Right.ADMINISTER)
    rows = Team.objects.order_by("name")
    return rows if teams is None else rows.filter(pk__in=teams)


def people_seen(actor: Actor) -> QuerySet[User]:
    """The people of the teams that the actor administers; for a superuser everybody."""
    teams = actor.teams_with(Right.ADMINISTER)
    if teams is None:
        return User.objects.all()
    return User.objects.filter(Exists(Membership.objects.filter(user=OuterRef("pk"), team_id__in=teams)))


def team_for(actor: Actor, team_id: int) -> Team:
    """Raises Team.DoesNotExist for one that the actor does not see, NotAllowed for one not theirs to change."""
    seen = actor.teams_with(Right.VIEW)
    team = Team.objects.get(pk=team_id) if seen is None else Team.objects.get(pk=team_id, pk__in=seen)
    actor.require(Right.ADMINISTER, team.pk)
    return team


def administers_all(actor: Actor, person: User) -> bool:
    """Who can give a person a new password can act as them: only where that gives no new right."""
    teams = actor.teams_with(Right.ADMINISTER)
    if teams is None:
        return True
    theirs = {membership.team_id for membership in person.memberships.all()}  # type: ignore[attr-defined]
    return not person.is_superuser and bool(theirs) and theirs <= set(teams)


def require_all_of(actor: Actor, person: User) -> None:
    if not actor.scope_allows(Right.ADMINISTER):
        raise NotAllowed(_("This token’s scopes do not allow it; %(who)s can.") % {"who": WHO_CAN[Right.ADMINISTER]})
    if not administers_all(actor, person):
        raise NotAllowed(
            _("%(person)s is a superuser, or also in a team that you do not administer; a superuser can do this.")
            % {"person": person}
        )
