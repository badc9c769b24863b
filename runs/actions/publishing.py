"""Publish an agent: what changed becomes a new, immutable version; runs under way keep theirs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput
from agentops.tools.registry import registry

from ..models import Agent, AgentVersion
from .starting import LIMITS, check_text

FIELDS = ("system_prompt", "tools", "model_chain", "max_output_tokens", "max_parallel_calls", *LIMITS)


def publish_agent(actor: Actor, agent: Agent, **fields: Any) -> AgentVersion:
    """Make a version of `fields` (those left out as in the live one) live. No change, no new version.

    Raises InvalidInput with the field at fault.
    """
    actor.require(Right.ADMINISTER, agent.team_id)
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise InvalidInput(f"An agent has no {', '.join(sorted(unknown))}.", sorted(unknown)[0])
    with transaction.atomic():
        locked = Agent.objects.select_for_update(of=("self",)).select_related("live").get(pk=agent.pk)
        before = {name: getattr(locked.live, name) for name in FIELDS} if locked.live else {}
        after = {**before, **fields}
        _check(after)
        if locked.live and after == before:
            return locked.live
        last = locked.versions.order_by("-number").values_list("number", flat=True).first() or 0
        version = AgentVersion.objects.create(agent=locked, number=last + 1, created_by=actor.user, **after)
        Agent.objects.filter(pk=agent.pk).update(live=version)
    agent.live = version
    return version


def _check(fields: dict[str, Any]) -> None:
    check_text(fields.get("system_prompt", ""), "system_prompt", 100_000)
    if not str(fields.get("system_prompt", "")).strip():
        raise InvalidInput("Tell the agent who it is and how it works.", "system_prompt")
    registry.toolbox(fields.get("tools", []))
    chain = fields.get("model_chain", [])
    if not chain or not all(isinstance(name, str) and name.strip() and len(name) <= 120 for name in chain):
        raise InvalidInput("Name at least one model.", "model_chain")
    for name in ("max_output_tokens", "max_parallel_calls", *LIMITS):
        if name in fields and not _within_reason(name, fields[name]):
            raise InvalidInput("This must be a number above 0 and within reason.", name)


def _within_reason(name: str, value: Any) -> bool:
    try:
        return 0 < Decimal(str(value)) <= LIMITS.get(name, Decimal(1_000_000))
    except InvalidOperation:
        return False
