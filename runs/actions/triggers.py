"""Make, change, switch and delete what starts runs by itself. Whoever saves what it does gives it their name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.tools import digest

from .. import hooks, schedules
from ..models import Agent, AgentVersion, Run, Trigger
from ..texts import check_text
from .starting import MAX_GOAL, check_limits, find_agent

FIELDS = ("name", "goal", "inputs", "limits", "priority", "overlap", "cron", "timezone", "missed", "mapping")
"""What may be said of a trigger, beside its kind and its agent."""


def create_trigger(
    actor: Actor, *, kind: str, agent: str, team: str = "", active: bool = True, **fields: Any
) -> Trigger:
    """A schedule or a webhook for an agent that the actor may start. Raises InvalidInput with the field, NotAllowed."""
    if kind not in Trigger.Kind.values:
        raise InvalidInput(_("A trigger is a schedule or a webhook."), "kind")
    found = find_agent(actor, agent, team)
    actor.require(Right.OPERATE, found.team_id)
    trigger = Trigger(team_id=found.team_id, kind=kind, agent=found, active=active)
    # What comes in by webhook comes when it comes: leaving it out is for who asks for it.
    trigger.overlap = kind == Trigger.Kind.WEBHOOK
    _fill(trigger, fields)
    _own(trigger, actor)
    _check(trigger, found)
    trigger.next_at = _next(trigger)
    _store(trigger)
    return trigger


def change_trigger(actor: Actor, trigger: Trigger, *, agent: str = "", base: str = "", **fields: Any) -> Trigger:
    """From then on it runs in the name of who changed it. `base` is `state_of` it when the form was opened.

    Raises InvalidInput with the field, NotAllowed, and Conflict when somebody changed it since.
    """
    actor.require(Right.OPERATE, trigger.team_id)
    with transaction.atomic():
        locked = _lock(trigger)
        if base and base != state_of(locked):
            raise Conflict(_("Somebody changed it meanwhile. Open it again, and look, before you save."))
        before = (locked.cron, locked.timezone)
        if agent:
            locked.agent = find_agent(actor, agent, locked.team.slug)
        _fill(locked, fields)
        _own(locked, actor)
        _check(locked, locked.agent)
        if (locked.cron, locked.timezone) != before:
            locked.next_at = _next(locked)
        _store(locked)
    return locked


def switch_trigger(actor: Actor, trigger: Trigger, *, active: bool) -> Trigger:
    """Off: it starts nothing. On again: from now on; what was due meanwhile was not missed.

    One that is nobody's (the demo's, or its owner is gone) runs in the name of who switches it on.
    """
    actor.require(Right.OPERATE, trigger.team_id)
    with transaction.atomic():
        locked = _lock(trigger)
        if locked.active != active:
            locked.active = active
            locked.next_at = _next(locked)
            if active and locked.owner_id is None:
                _own(locked, actor)
            locked.save(update_fields=["active", "next_at", "owner", "owner_name"])
    return locked


def delete_trigger(actor: Actor, trigger: Trigger) -> None:
    """With its history; runs that it started stay. Raises Conflict when it is gone already."""
    actor.require(Right.OPERATE, trigger.team_id)
    with transaction.atomic():
        _lock(trigger).delete()


def replace_secret(actor: Actor, trigger: Trigger) -> Trigger:
    """The old one signs nothing from now on."""
    actor.require(Right.OPERATE, trigger.team_id)
    if trigger.kind != Trigger.Kind.WEBHOOK:
        raise InvalidInput(_("A schedule has no secret; only webhooks are signed."), "kind")
    with transaction.atomic():
        locked = _lock(trigger)
        locked.secret_number += 1
        locked.save(update_fields=["secret_number"])
    return locked


def state_of(trigger: Trigger) -> str:
    """Changes whenever somebody changes what it does."""
    return str(digest([trigger.agent_id, *(getattr(trigger, name) for name in FIELDS)]))


def _lock(trigger: Trigger) -> Trigger:
    rows = Trigger.objects.select_for_update(of=("self",), no_key=True).select_related("team", "agent__live")
    found = rows.filter(pk=trigger.pk).first()
    if found is None:
        raise Conflict(_("Somebody has just deleted it."))
    return found


def _own(trigger: Trigger, actor: Actor) -> None:
    trigger.owner = actor.user  # type: ignore[assignment]
    trigger.owner_name = str(actor)[:150]


def _fill(trigger: Trigger, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise InvalidInput(_("A trigger has no %(name)s.") % {"name": name[:60]}, name[:60])
        setattr(trigger, name, value)


def _check(trigger: Trigger, agent: Agent) -> None:
    version = agent.live
    if version is None:
        raise InvalidInput(_("The agent has no published version that could be started."), "agent")
    trigger.name = check_text(trigger.name, "name", 120).strip()
    if not trigger.name or not trigger.name.isprintable():
        raise InvalidInput(_("Give it a name that people recognise in a list."), "name")
    trigger.goal = check_text(trigger.goal, "goal", MAX_GOAL).strip()
    if not trigger.goal:
        raise InvalidInput(_("Say what the agent is to do each time."), "goal")
    if trigger.priority not in Run.Priority.values:
        raise InvalidInput(_("The priority is -1 (low), 0 (normal) or 1 (high)."), "priority")
    if not isinstance(trigger.limits, Mapping) or not isinstance(trigger.inputs, Mapping):
        raise InvalidInput(_("Inputs and limits are names with their values."), "inputs")
    trigger.limits = _storable_limits(version, trigger.limits)
    _check_kind(trigger, version)


def _check_kind(trigger: Trigger, version: AgentVersion) -> None:
    if trigger.kind == Trigger.Kind.WEBHOOK:
        if trigger.cron or trigger.timezone:
            raise InvalidInput(_("A webhook has no times; make a schedule for them."), "cron")
        trigger.mapping = hooks.check_mapping(version.inputs, trigger.mapping)
    else:
        if trigger.mapping:
            raise InvalidInput(_("A schedule receives nothing to take inputs from; make a webhook."), "mapping")
        trigger.cron, trigger.timezone = _words(trigger.cron, "cron"), _words(trigger.timezone, "timezone")
        schedules.check(trigger.cron, trigger.timezone, timezone.now())
        if trigger.missed not in Trigger.Missed.values:
            raise InvalidInput(_("Missed times are left out (skip), or started once, or all."), "missed")
        if trigger.missed == Trigger.Missed.ALL and not trigger.overlap:
            raise InvalidInput(
                _("Runs for all missed times start together: allow runs beside each other, or start one for all."),
                "missed",
            )
    trigger.inputs = hooks.check_inputs(version.inputs, trigger.inputs, trigger.mapping)


def _words(value: Any, field: str) -> str:
    return " ".join(check_text(value, field, 500).split())


def _storable_limits(version: AgentVersion, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Money as text, so that it stays exact in JSON."""
    checked = check_limits(version, {name: value for name, value in limits.items() if value is not None})
    return {name: f"{value:f}" if name == "max_cost_usd" else value for name, value in checked.items()}


def _next(trigger: Trigger) -> datetime | None:
    if not trigger.active or trigger.kind != Trigger.Kind.SCHEDULE:
        return None
    return schedules.next_after(trigger.cron, trigger.timezone, timezone.now())


def _store(trigger: Trigger) -> None:
    try:
        with transaction.atomic():
            trigger.save()
    except IntegrityError as error:
        if "trigger_name_in_team" not in str(error):
            raise
        raise InvalidInput(_("The team has a trigger of this name already."), "name") from error
