"""Make an agent, change what people read of it, switch it on and off."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.tools import digest

from ..models import Agent, AgentVersion
from ..texts import check_text
from .publishing import lock_agent, publish_agent

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
_LONGEST = {"title": 120, "description": 10_000, "example_goal": 10_000}


class AgentChanged(Conflict):
    """Somebody changed the agent since the form was opened. Nothing was saved."""


def create_agent(
    actor: Actor,
    team_id: int,
    *,
    name: str,
    title: str,
    description: str = "",
    example_goal: str = "",
    note: str = "",
    **fields: Any,
) -> Agent:
    """A new agent with its first version, live at once. Raises InvalidInput with the field at fault."""
    actor.require(Right.ADMINISTER, team_id)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(_("A name has small letters, digits and hyphens between them: support-desk."), "name")
    words = _words({"title": title, "description": description, "example_goal": example_goal})
    try:
        with transaction.atomic():
            agent = Agent.objects.create(team_id=team_id, name=name, **words)
            publish_agent(actor, agent, note=note, **fields)
    except IntegrityError as error:
        raise InvalidInput(_("The team has an agent named %(name)s already.") % {"name": name}, "name") from error
    return agent


def edit_agent(
    actor: Actor,
    agent: Agent,
    *,
    base: str,
    words: dict[str, str],
    candidate_percent: int | None = None,
    note: str = "",
    **fields: Any,
) -> AgentVersion:
    """Save what people read of it (`words`: title, description, example_goal) and publish the rest, as one deed.

    `base` is `state_of` the agent when the form was opened. Raises AgentChanged when it is another by now.
    """
    actor.require(Right.ADMINISTER, agent.team_id)
    with transaction.atomic():
        locked = lock_agent(agent)
        if state_of(locked) != base:
            raise AgentChanged("Somebody changed this agent while you were editing. Nothing of yours was saved yet.")
        for name, value in _words(words).items():
            setattr(locked, name, value)
        locked.save(update_fields=[*words])
        return publish_agent(actor, agent, candidate_percent=candidate_percent, note=note, **fields)


def switch_agent(actor: Actor, agent: Agent, *, active: bool) -> None:
    """Off: it starts no new runs; those under way go on."""
    actor.require(Right.ADMINISTER, agent.team_id)
    Agent.objects.filter(pk=agent.pk).update(active=active)
    agent.active = active


def state_of(agent: Agent) -> str:
    """Changes whenever an edit of the agent would."""
    words = digest([agent.title, agent.description, agent.example_goal])[:12]
    live, candidate = (version.number if version else 0 for version in (agent.live, agent.candidate))
    return f"{live}.{candidate}.{words}"


def _words(words: dict[str, str]) -> dict[str, str]:
    checked = {name: check_text(value, name, _LONGEST[name]).strip() for name, value in words.items()}
    title = checked.get("title")
    if title is not None and not (title and title.isprintable()):
        raise InvalidInput(_("Give it a title that people recognise."), "title")
    return checked
