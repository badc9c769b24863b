"""A team's admin adds people, gives roles and takes them away; each change is one transaction with its record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.core.errors import Conflict, InvalidInput, NotAllowed

from .. import links, profiles, sessions
from ..access import Actor
from ..models import AccessChange, Membership, Role, Team
from .record import record
from .sight import people_seen, require_all_of, team_for

UNDO_WITHIN = timedelta(minutes=10)
Kind = AccessChange.Kind


def add_person(
    actor: Actor, *, team_id: int, username: str, name: str = "", email: str = "", roles: Iterable[str]
) -> tuple[User, str]:
    """The person, and the path at which they set their password: show it once, it exists nowhere else."""
    team = team_for(actor, team_id)
    chosen = _checked_roles(roles)
    if not chosen:
        raise InvalidInput(_("Choose at least one role."), "roles")
    username = username.strip()
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError as error:
        raise InvalidInput(
            _("A sign-in name has letters, digits and @ . + - _ only, and no spaces."), "username"
        ) from error
    if len(username) > 150:
        raise InvalidInput(_("A sign-in name has 150 characters at most."), "username")
    person = User(username=username, first_name=profiles.checked_name(name), email=profiles.checked_email(email))
    person.set_unusable_password()
    taken = _(
        "This name is taken. Choose another; or, if it is the same person, a superuser can add them to your team."
    )
    if User.objects.filter(username__iexact=username).exists():
        raise InvalidInput(taken, "username")
    try:
        with transaction.atomic():
            person.save()
            _write_roles(person, team, chosen)
            record(actor, Kind.ADDED, person, team, after=chosen)
    except IntegrityError as error:
        raise InvalidInput(taken, "username") from error
    return person, links.make(person)


def set_roles(
    actor: Actor, person_id: int, team_id: int, roles: Iterable[str], was: Iterable[str] | None = None
) -> AccessChange | None:
    """No role: out of the team. `was`: what the page showed; Conflict when it is something else by now."""
    team = team_for(actor, team_id)
    person = people_seen(actor).get(pk=person_id)
    return _change_roles(actor, person, team, _checked_roles(roles), None if was is None else _checked_roles(was))


def undo(actor: Actor, change_id: int) -> AccessChange | None:
    """Gives back the roles from before, also to who is in no team of the actor's since."""
    since = timezone.now() - UNDO_WITHIN
    change = AccessChange.objects.get(pk=change_id, kind=Kind.ROLES, by=actor.user, at__gte=since)  # type: ignore[misc]
    if change.person is None or change.team_id is None:
        raise Conflict(_("The person or the team is gone; nothing was changed."))
    team = team_for(actor, change.team_id)
    return _change_roles(actor, change.person, team, change.before, change.after)


def deactivate(actor: Actor, person_id: int) -> User:
    """Signs them out everywhere; their tokens and password open nothing while it lasts."""
    with transaction.atomic():
        person = _theirs(actor, person_id)
        if person.pk == actor.user.pk:  # type: ignore[attr-defined]
            raise NotAllowed(_("You cannot deactivate yourself; another admin can."))
        for team in _lock(person.memberships.values_list("team_id", flat=True)):  # type: ignore[attr-defined]
            _keep_an_admin(actor, person, team)
        if person.is_active:
            person.is_active = False
            person.save(update_fields=["is_active"])
            record(actor, Kind.DEACTIVATED, person)
        sessions.end_all(person)
    return person


def reactivate(actor: Actor, person_id: int) -> User:
    with transaction.atomic():
        person = _theirs(actor, person_id)
        if not person.is_active:
            person.is_active = True
            person.save(update_fields=["is_active"])
            record(actor, Kind.REACTIVATED, person)
    return person


def make_link(actor: Actor, person_id: int) -> str:
    """A path at which the person sets a new password. The old password works until they do; older links do not."""
    with transaction.atomic():
        person = _theirs(actor, person_id)
        if not person.is_active:
            raise Conflict(_("Reactivate the person first: nobody inactive can set a password."))
        record(actor, Kind.LINK, person)
        return links.make(person)


def end_sign_ins(actor: Actor, person_id: int) -> int:
    with transaction.atomic():
        person = _theirs(actor, person_id)
        record(actor, Kind.SIGNED_OUT, person)
        return sessions.end_all(person)


def _theirs(actor: Actor, person_id: int) -> User:
    person = people_seen(actor).select_for_update(of=("self",)).get(pk=person_id)
    require_all_of(actor, person)
    return person


def _change_roles(
    actor: Actor, person: User, team: Team, after: list[str], was: list[str] | None
) -> AccessChange | None:
    if person.is_superuser and not actor.user.is_superuser:  # type: ignore[attr-defined]
        raise NotAllowed(_("Only a superuser changes a superuser’s roles."))
    with transaction.atomic():
        _lock([team.pk])
        before = sorted(Membership.objects.filter(team=team, user=person).values_list("role", flat=True))
        if was is not None and before != sorted(was):
            raise Conflict(_("Somebody changed these roles meanwhile; nothing was changed. Look again."))
        if before == after:
            return None
        if Role.ADMIN not in after:
            _keep_an_admin(actor, person, team)
        _write_roles(person, team, after)
        return record(actor, Kind.ROLES, person, team, before, after)


def _write_roles(person: User, team: Team, roles: list[str]) -> None:
    for gone in Membership.objects.filter(team=team, user=person).exclude(role__in=roles):
        gone.delete()
    for role in roles:
        Membership.objects.get_or_create(team=team, user=person, role=role)


def _lock(team_ids: Iterable[int]) -> list[Team]:
    """Two admins who take the role from each other come one after the other."""
    return list(Team.objects.select_for_update().filter(pk__in=list(team_ids)).order_by("pk"))


def _keep_an_admin(actor: Actor, person: User, team: Team) -> None:
    admins = Membership.objects.filter(team=team, role=Role.ADMIN, user__is_active=True)
    if actor.user.is_superuser or not admins.filter(user=person).exists():  # type: ignore[attr-defined]
        return
    if not admins.exclude(user=person).exists():
        raise Conflict(_("%(team)s would have no admin left. Make somebody else an admin first.") % {"team": team.name})


def _checked_roles(roles: Iterable[str]) -> list[str]:
    chosen = sorted(set(roles))
    if unknown := [role for role in chosen if role not in Role.values]:
        raise InvalidInput(_("There is no role %(role)s.") % {"role": unknown[0][:40]}, "roles")
    return chosen
