"""A candidate version that is being tried on a share of new runs: give it another share, all runs, or none."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict

from ..models import Agent, AgentVersion
from .publishing import check_percent, lock_agent


def share_candidate(actor: Actor, agent: Agent, percent: int, *, number: int | None = None) -> AgentVersion:
    """Let it take `percent` (1 to 99) of new runs. `number`: the candidate that the person saw."""
    check_percent(percent)
    return _settle(actor, agent, number, live=False, percent=percent)


def promote_candidate(actor: Actor, agent: Agent, *, number: int | None = None) -> AgentVersion:
    """Make it live, for all new runs."""
    return _settle(actor, agent, number, live=True, percent=0)


def withdraw_candidate(actor: Actor, agent: Agent, *, number: int | None = None) -> AgentVersion:
    """It takes no new runs any more; those under way keep it."""
    return _settle(actor, agent, number, live=False, percent=0)


def _settle(actor: Actor, agent: Agent, number: int | None, *, live: bool, percent: int) -> AgentVersion:
    """Raises Conflict when there is no candidate, or another one than the person saw."""
    actor.require(Right.ADMINISTER, agent.team_id)
    with transaction.atomic():
        locked = lock_agent(agent)
        candidate = locked.candidate
        if candidate is None or number not in (None, candidate.number):
            numbers = {"live": locked.live and locked.live.number, "tried": candidate and candidate.number}
            words = (
                _("Somebody was first: version %(tried)s is tried now, and version %(live)s is live.")
                if candidate
                else _("Somebody was first: no version is tried beside it any more, and version %(live)s is live.")
            )
            raise Conflict(words % numbers)
        if live:
            locked.live = candidate
        if percent == 0:
            locked.candidate = None
        locked.candidate_percent = percent
        locked.save(update_fields=["live", "candidate", "candidate_percent"])
    agent.live, agent.candidate, agent.candidate_percent = locked.live, locked.candidate, percent
    return candidate
