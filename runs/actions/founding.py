"""A run that comes from another: of its team and agent, tainted as it is, with an event that says who made it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from agentops.accounts.access import Actor
from agentops.live import publish

from ..late import add_events
from ..models import Run
from ..wake import hint_on_commit
from .control import acted

PROTOCOL = 2
"""The oldest workers know neither shared steps nor orders."""


def found_run(actor: Actor, origin: Run, *, via: str, noted: str, note: str = "", **fields: Any) -> Run:
    """Queue it, inside the transaction that holds the origin's lock."""
    run = Run.objects.create(
        team_id=origin.team_id,
        agent_id=origin.agent_id,
        agent_name=origin.agent_name,
        tainted_by=origin.tainted_by,
        needs=PROTOCOL,
        started_by=actor.user,
        started_by_name=str(actor)[:150],
        started_via=via,
        **fields,
    )
    person = ("person.acted", acted(actor, noted, note, origin.pk))
    events = add_events(run, [person, ("run.changed", {"status": "queued", "waiting_on": ""})])
    transaction.on_commit(partial(publish.announce, run.pk, run.team_id, events))
    hint_on_commit(run.pk)
    run.refresh_from_db()
    return run
