"""Publish an agent: what changed becomes a new, immutable version; runs under way keep theirs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput

from ..choosing import LIMITS
from ..models import Agent, AgentVersion
from ..texts import check_text
from ..version_checks import checked

FIELDS = (
    "system_prompt",
    "tools",
    "model_chain",
    "inputs",
    "max_output_tokens",
    "max_parallel_calls",
    *LIMITS,
    "planning",
    "delegates_to",
    "max_children",
    "max_parallel_children",
    "max_depth",
    "context_tokens",
    "summary_chain",
    "answer_schema",
    "success",
)


def publish_agent(
    actor: Actor, agent: Agent, *, candidate_percent: int | None = None, note: str = "", **fields: Any
) -> AgentVersion:
    """Make a version of `fields` (those left out as in the live one) live; no change, no new version.

    With `candidate_percent` (1 to 99) it takes that share of new runs beside the live one instead, in place of the
    candidate there was. Raises InvalidInput with the field at fault.
    """
    actor.require(Right.ADMINISTER, agent.team_id)
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise InvalidInput(
            _("An agent has no %(fields)s.") % {"fields": ", ".join(sorted(unknown))}, sorted(unknown)[0]
        )
    note = check_text(note, "note", 200).strip()
    with transaction.atomic():
        locked = lock_agent(agent)
        before = fields_of(locked.live) if locked.live else {}
        after = {**before, **fields}
        after = checked(locked, before, after)
        if candidate_percent is None and locked.live and after == before:
            return locked.live
        _check_beside(locked, before, after, candidate_percent)
        version = _version(actor, locked, after, note)
        if candidate_percent is None:
            locked.live = version
        else:
            locked.candidate, locked.candidate_percent = version, candidate_percent
        locked.save(update_fields=["live", "candidate", "candidate_percent"])
    _copy(locked, agent)
    return version


def roll_back(actor: Actor, agent: Agent, number: int) -> AgentVersion:
    """Make a new version that is as version `number` was, and put it live. Raises AgentVersion.DoesNotExist."""
    actor.require(Right.ADMINISTER, agent.team_id)
    wanted = agent.versions.get(number=number)
    return publish_agent(actor, agent, note=f"Back to version {number}", **fields_of(wanted))


def lock_agent(agent: Agent) -> Agent:
    return Agent.objects.select_for_update(of=("self",)).select_related("live", "candidate").get(pk=agent.pk)


def fields_of(version: AgentVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in FIELDS}


def check_percent(percent: int) -> None:
    if isinstance(percent, bool) or not isinstance(percent, int) or not 1 <= percent <= 99:
        raise InvalidInput(_("The share of new runs is 1 to 99 percent."), "candidate_percent")


def _version(actor: Actor, agent: Agent, fields: dict[str, Any], note: str) -> AgentVersion:
    last = agent.versions.order_by("-number").values_list("number", flat=True).first() or 0
    return agent.versions.create(
        number=last + 1, created_by=actor.user, created_by_name=str(actor)[:150], note=note, **fields
    )


def _check_beside(agent: Agent, before: dict[str, Any], after: dict[str, Any], percent: int | None) -> None:
    """Live and candidate share one start form, so they ask for the same inputs."""
    if percent is not None:
        check_percent(percent)
        if agent.live is None:
            raise InvalidInput(_("Publish a first version before you try another beside it."), "candidate_percent")
        if after == before:
            raise InvalidInput(
                _("It is the same as the live version: there is nothing to compare."), "candidate_percent"
            )
    if (percent is not None or agent.candidate_id) and after["inputs"] != before.get("inputs", []):
        raise InvalidInput(
            _(
                "The live version and its candidate share one start form, so their inputs are the same. "
                "Publish other inputs to all runs, with no candidate beside."
            ),
            "inputs",
        )


def _copy(locked: Agent, agent: Agent) -> None:
    """The caller's own instance says what is now so."""
    agent.live, agent.candidate, agent.candidate_percent = locked.live, locked.candidate, locked.candidate_percent
