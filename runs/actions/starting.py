"""Start a run: one row, once, however often it is asked for under one idempotency key."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.tools import digest
from agentops.live import publish

from ..choosing import LIMITS, needs, own_limits, version_for
from ..inputs import check_given
from ..late import add_events
from ..models import Agent, AgentVersion, IdempotencyKey, Run
from ..texts import check_text
from ..wake import hint_on_commit

MAX_GOAL = 100_000


def start_run(
    actor: Actor,
    *,
    agent: str,
    goal: str,
    inputs: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    via: str,
    idempotency_key: str = "",
    team: str = "",
    priority: int = Run.Priority.NORMAL,
    tainted_by: str = "",
) -> tuple[Run, bool]:
    """Queue a run of the agent's live version; the flag is false when the key had been used with the same body.

    Inputs are those that the agent declares; limits may only be tighter than its own. `tainted_by` says where inputs
    came from that no person of ours wrote. Raises InvalidInput, NotAllowed,
    or Conflict when the key was used with another body.
    """
    goal = check_text(goal, "goal", MAX_GOAL).strip()
    if not goal:
        raise InvalidInput(_("Say what the agent is to do."), "goal")
    found = find_agent(actor, agent, team)
    actor.require(Right.OPERATE, found.team_id)
    if found.live is None or not found.active:
        raise InvalidInput(
            _("The agent “%(name)s” starts no runs: it is switched off.") % {"name": found.name}, "agent"
        )
    values = check_given(found.live.inputs, inputs or {})
    asked = check_limits(found.live, limits or {})
    if len(idempotency_key) > 200 or not idempotency_key.isprintable():
        raise InvalidInput(_("An idempotency key has at most 200 printable characters."), "Idempotency-Key")
    principal = f"user:{getattr(actor.user, 'pk', 0)}"
    if priority not in Run.Priority.values:
        raise InvalidInput(_("The priority is -1 (low), 0 (normal) or 1 (high)."), "priority")
    body = digest([found.pk, goal, values, limits or {}, *([priority] if priority else [])])
    if idempotency_key and (earlier := _earlier(principal, idempotency_key, body)):
        return earlier, False
    run_id = uuid4()
    version = version_for(found, run_id)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                id=run_id,
                team_id=found.team_id,
                agent=found,
                agent_name=found.name,
                version=version,
                goal=goal,
                inputs=values,
                needs=needs(version),
                wake_at=Now(),
                started_by=actor.user,
                started_by_name=str(actor)[:150],
                started_via=via,
                priority=priority,
                tainted_by=tainted_by[:300],
                **{name: min(asked.get(name, own), own) for name, own in own_limits(version).items()},
            )
            if idempotency_key:
                IdempotencyKey.objects.create(principal=principal, key=idempotency_key, body_hash=body, run=run)
            events = add_events(run, [("run.changed", {"status": "queued", "waiting_on": ""})])
            transaction.on_commit(partial(publish.announce, run.pk, run.team_id, events))
            hint_on_commit(run.pk)
    except IntegrityError:
        # Two requests with one key at once: the other one was first.
        raced = _earlier(principal, idempotency_key, body) if idempotency_key else None
        if raced is None:
            raise
        return raced, False
    run.refresh_from_db()
    return run, True


def find_agent(actor: Actor, name: str, team: str) -> Agent:
    check_text(name, "agent", 200)
    agents = Agent.objects.visible_to(actor).filter(name=name).select_related("live", "candidate")
    if team:
        agents = agents.filter(team__slug=team)
    found = list(agents[:2])
    if not found:
        raise InvalidInput(_("There is no agent named “%(name)s” that you can see.") % {"name": name[:80]}, "agent")
    if len(found) > 1:
        raise InvalidInput(
            _("Several of your teams have an agent “%(name)s”: say which team.") % {"name": name}, "team"
        )
    return found[0]


def check_limits(version: AgentVersion, asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked, each at most the agent's own."""
    for name in asked:
        if name not in LIMITS:
            raise InvalidInput(
                _("There is no limit “%(name)s”; there are %(limits)s.")
                % {"name": name[:60], "limits": ", ".join(LIMITS)},
                f"limits.{name[:60]}",
            )
    return {name: _limit(name, own, asked.get(name)) for name, own in own_limits(version).items() if name in asked}


def _limit(name: str, own: Any, asked: Any) -> Any:
    if asked is None:
        return own
    try:
        if isinstance(asked, bool):
            raise ValueError(asked)
        value = Decimal(str(asked)) if name == "max_cost_usd" else int(asked)
        if value != asked and name != "max_cost_usd":
            raise ValueError(asked)
        if not 0 < value <= LIMITS[name]:
            raise ValueError(asked)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise InvalidInput(
            _("A limit is a number above 0 and at most %(most)s.") % {"most": f"{LIMITS[name]:,}"}, f"limits.{name}"
        ) from error
    if value > own:
        raise InvalidInput(
            _("The agent's own limit is %(own)s; a run may only have less.") % {"own": number_words(own)},
            f"limits.{name}",
        )
    return value


def number_words(value: int | Decimal) -> str:
    """As people write it: no zeros behind the cents that count, thousands apart."""
    return f"{value.normalize():,f}" if isinstance(value, Decimal) else f"{value:,}"


def _earlier(principal: str, key: str, body: str) -> Run | None:
    found = IdempotencyKey.objects.filter(principal=principal, key=key).select_related("run").first()
    if found and found.body_hash != body:
        raise Conflict(_("This idempotency key was used for another request. Use a new key for a new run."))
    return found.run if found else None
