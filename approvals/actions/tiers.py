"""Sets a tool's tier for a team or for every team, in place of the one its author declared, or takes that back."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput, NotAllowed
from agentops.core.tools import Tier

from .. import rules
from ..models import ToolTier


def set_tier(
    actor: Actor, tool: str, tier: str, *, team_id: int | None = None, timer_seconds: int | None = None
) -> ToolTier:
    """It counts from each run's next step on. No team: for every team, which is a superuser's to set.

    Raises NotAllowed and InvalidInput (`tool`, `tier`, `timer_seconds`).
    """
    _check_right(actor, team_id)
    if not tool or len(tool) > 128:
        raise InvalidInput(_("Name a tool."), "tool")
    if tier not in list(Tier):
        raise InvalidInput(_("The tier is one of %(tiers)s.") % {"tiers": ", ".join(Tier)}, "tier")
    rules.check_timer(Tier(tier), timer_seconds)
    with transaction.atomic():
        row, _created = ToolTier.objects.update_or_create(
            team_id=team_id, tool=tool, defaults={"tier": tier, "timer_seconds": timer_seconds}
        )
    return row


def clear_tier(actor: Actor, tool: str, *, team_id: int | None = None) -> None:
    """From the next step on the wider setting counts, or the tool's own tier."""
    _check_right(actor, team_id)
    ToolTier.objects.filter(team_id=team_id, tool=tool).delete()


def _check_right(actor: Actor, team_id: int | None) -> None:
    if team_id is not None:
        actor.require(Right.ADMINISTER, team_id)
    elif actor.teams_with(Right.ADMINISTER) is not None or not actor.scope_allows(Right.ADMINISTER):
        raise NotAllowed(_("Only a superuser sets a tool's tier for every team."))
