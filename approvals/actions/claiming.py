"""Who is looking at a request: a courtesy to the others, which binds nobody and ends by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor
from agentops.core.errors import Conflict

from ..models import ApprovalRequest
from .deciding import name_of, require_say
from .settling import announce

CLAIM_LASTS = timedelta(minutes=15)


def claim(actor: Actor, request_id: UUID | str) -> ApprovalRequest:
    """Raises Conflict when it is decided, or somebody else has claimed it within `CLAIM_LASTS`."""
    found = _mine_to_decide(actor, request_id)
    free = Q(claimed_at=None) | Q(claimed_by=actor.user) | Q(claimed_at__lt=Now() - CLAIM_LASTS)
    pending = ApprovalRequest.objects.pending().filter(free, pk=found.pk)
    if not pending.update(claimed_by=actor.user, claimed_by_name=name_of(actor), claimed_at=Now()):
        found.refresh_from_db()
        if found.status != ApprovalRequest.Status.PENDING:
            raise Conflict(
                _("It waits for nobody any more: it is %(status)s.") % {"status": found.get_status_display().lower()}
            )
        raise Conflict(
            _("%(who)s is looking at it since %(time)s UTC.")
            % {"who": found.claimed_by_name, "time": f"{found.claimed_at:%H:%M}"}
        )
    return _told(found)


def unclaim(actor: Actor, request_id: UUID | str) -> ApprovalRequest:
    """Let others take it. Nothing happens when it is not the actor's."""
    found = _mine_to_decide(actor, request_id)
    mine = ApprovalRequest.objects.filter(pk=found.pk, claimed_by=actor.user)
    mine.update(claimed_by=None, claimed_by_name="", claimed_at=None)
    return _told(found)


def _mine_to_decide(actor: Actor, request_id: UUID | str) -> ApprovalRequest:
    found = ApprovalRequest.objects.visible_to(actor).get(pk=request_id)
    require_say(actor, found)
    return found


def _told(found: ApprovalRequest) -> ApprovalRequest:
    announce(found.team_id, [found.pk])
    found.refresh_from_db()
    return found
