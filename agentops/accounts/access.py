"""Who may do what, in one place: actions ask here, and so do pages that show or hide a button."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agentops.core.errors import NotAllowed

from .models import ApiToken, Membership, Role


class Right(StrEnum):
    VIEW = "view"
    OPERATE = "operate"
    DECIDE = "decide"
    ADMINISTER = "administer"


RIGHTS = {
    Role.VIEWER: {Right.VIEW},
    Role.OPERATOR: {Right.VIEW, Right.OPERATE},
    Role.APPROVER: {Right.VIEW, Right.DECIDE},
    Role.ADMIN: set(Right),
}

WHO_CAN = {
    Right.VIEW: _("a member of the team"),
    Right.OPERATE: _("an operator or an admin of the team"),
    Right.DECIDE: _("an approver or an admin of the team"),
    Right.ADMINISTER: _("an admin of the team"),
}

ROLE_MEANS = {
    Role.VIEWER: _("Sees the team’s agents, runs, approvals and budgets; changes nothing."),
    Role.OPERATOR: _("Also starts, steers, pauses and cancels runs."),
    Role.APPROVER: _("Also decides what agents may do."),
    Role.ADMIN: _("Does all of it, and changes the team’s agents, policy, budgets and people."),
}

SCOPE_MEANS = {
    "runs:read": _("Read agents, tools, runs and their events"),
    "runs:write": _("Start, steer and cancel runs"),
    "approvals:read": _("Read approval requests"),
    "approvals:ask": _("Ask for an approval from outside; never decide"),
    "approvals:decide": _("Decide approval requests"),
    "admin": _("Change agents, policies, budgets and people"),
}

SCOPES = {
    "runs:read": {Right.VIEW},
    "runs:write": {Right.OPERATE},
    "approvals:read": {Right.VIEW},
    "approvals:ask": set(),
    "approvals:decide": {Right.DECIDE},
    "admin": {Right.ADMINISTER},
}


@dataclass
class Actor:
    """A person, or a program acting for one through a token. Everything an action needs to know of who asks.

    `user` is a Django user. Through a token, rights are those of its owner cut down to the token's scopes.
    """

    user: object
    token: ApiToken | None = None

    @cached_property
    def _rights_by_team(self) -> dict[int, set[Right]]:
        rights: dict[int, set[Right]] = {}
        rows = Membership.objects.filter(user_id=self.user.pk).values_list("team_id", "role")  # type: ignore[attr-defined]
        for team_id, role in rows:
            rights.setdefault(team_id, set()).update(RIGHTS[Role(role)])
        return rights

    def teams_with(self, right: Right) -> list[int] | None:
        """Ids of the teams in which this right is held; None means every team (a superuser)."""
        if not self.user.is_active or not self.user.is_authenticated:  # type: ignore[attr-defined]
            return []
        if self.user.is_superuser:  # type: ignore[attr-defined]
            return None
        return [team_id for team_id, rights in self._rights_by_team.items() if right in rights]

    def can(self, right: Right, team_id: int) -> bool:
        teams = self.teams_with(right)
        return (teams is None or team_id in teams) and self.scope_allows(right)

    def scope_allows(self, right: Right) -> bool:
        """Whether the token's scopes reach this right; reading is checked per endpoint by the scope's own name."""
        if self.token is None or right is Right.VIEW:
            return True
        return any(right in SCOPES.get(scope, set()) for scope in self.token.scopes)

    def require(self, right: Right, team_id: int) -> None:
        """Raises NotAllowed, saying who can."""
        if not self.scope_allows(right):
            raise NotAllowed(
                gettext("This token's scopes do not allow it: %(right)s is missing. Create a token with the scope.")
                % {"right": right}
            )
        if not self.can(right, team_id):
            raise NotAllowed(gettext("You may not do this; %(who)s can.") % {"who": WHO_CAN[right]})

    def __str__(self) -> str:
        return str(self.user)


class SetUp(Actor):
    """The installation itself, while it is being set up: may do everything and is nobody."""

    def __init__(self) -> None:
        super().__init__(user=None)

    def teams_with(self, right: Right) -> list[int] | None:
        return None

    def __str__(self) -> str:
        return "set-up"
