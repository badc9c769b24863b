"""Who of those with open sockets is still signed in, and what they may see: for all in a few queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from agentops.accounts.access import RIGHTS, Right
from agentops.accounts.models import Membership, Role, Team

SEEING = [role for role in Role if Right.VIEW in RIGHTS[role]]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a socket was opened with. The hash changes with the password, as it does for Django's sessions."""

    session_key: str
    user_id: int
    auth_hash: str


def teams_seen(sign_ins: Collection[SignIn]) -> dict[SignIn, frozenset[int]]:
    """The teams each may see now. Who signed out, was deactivated or has a new password is left out."""
    keys = {each.session_key for each in sign_ins}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    open_sessions = set(sessions.values_list("session_key", flat=True))
    users = get_user_model().objects.filter(is_active=True).in_bulk({each.user_id for each in sign_ins})
    valid = [
        each
        for each in sign_ins
        if each.session_key in open_sessions
        and each.user_id in users
        and constant_time_compare(each.auth_hash, users[each.user_id].get_session_auth_hash())
    ]
    teams: dict[int, set[int]] = {}
    memberships = Membership.objects.filter(user_id__in={each.user_id for each in valid}, role__in=SEEING)
    for user_id, team_id in memberships.values_list("user_id", "team_id"):
        teams.setdefault(user_id, set()).add(team_id)
    superusers = {each.user_id for each in valid if users[each.user_id].is_superuser}
    if superusers:
        everything = set(Team.objects.values_list("pk", flat=True))
        teams.update(dict.fromkeys(superusers, everything))
    return {each: frozenset(teams.get(each.user_id, ())) for each in valid}
