"""What an agent's version may say: checked when it is published, with the field at fault."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from agentops.core import schemas
from agentops.core.errors import InvalidInput
from agentops.tools.registry import registry

from . import success
from .choosing import LIMITS
from .inputs import check_declared
from .models import Agent, AgentVersion
from .texts import check_text

NUMBERS = {
    "max_output_tokens": Decimal(1_000_000),
    "max_parallel_calls": Decimal(100),
    **LIMITS,
    "max_children": Decimal(1_000),
    "max_parallel_children": Decimal(100),
    "max_depth": Decimal(10),
}
"""Each is above 0, and at most this."""
LEAST_CONTEXT = 4_000
MOST_CONTEXT = 100_000_000
MOST_DELEGATES = 50
MOST_MODELS = 20


def checked(agent: Agent, before: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are kept. Raises InvalidInput with the field at fault."""
    fields = dict(fields)
    check_text(fields.get("system_prompt", ""), "system_prompt", 100_000)
    if not str(fields.get("system_prompt", "")).strip():
        raise InvalidInput(_("Tell the agent who it is and how it works."), "system_prompt")
    registry.toolbox(fields.get("tools", []))
    if not _models(fields.get("model_chain", []), "model_chain"):
        raise InvalidInput(_("Name at least one model."), "model_chain")
    fields["inputs"] = check_declared(fields.get("inputs", []))
    for name, most in NUMBERS.items():
        if name in fields and not _within(fields[name], most):
            raise InvalidInput(_("This must be a number above 0 and at most %(most)s.") % {"most": f"{most:,}"}, name)
    _check_children(fields)
    if fields.get("planning", AgentVersion.Planning.NONE) not in AgentVersion.Planning.values:
        raise InvalidInput(_("Planning is one of: %s.") % ", ".join(AgentVersion.Planning.values), "planning")
    _models(fields.get("summary_chain", []), "summary_chain")
    fields["delegates_to"] = _delegates(agent, before.get("delegates_to", []), fields.get("delegates_to", []))
    _check_context(fields)
    if fields.get("answer_schema") is not None:
        fields["answer_schema"] = schemas.check(fields["answer_schema"])
    fields["success"] = success.checked(fields.get("success", []))
    return fields


def _models(chain: Any, field: str) -> list[str]:
    if not isinstance(chain, list) or len(chain) > MOST_MODELS:
        raise InvalidInput(_("Models are a list of at most %s names.") % MOST_MODELS, field)
    for name in chain:
        if not check_text(name, field, 120).strip():
            raise InvalidInput(_("A model's name cannot be empty."), field)
    return chain


def _delegates(agent: Agent, before: list[str], names: Any) -> list[str]:
    """Agents of the team. One that was deleted since the version before may stay: it is not offered to the model."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(_("The agents it hands work to are a list of names."), "delegates_to")
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MOST_DELEGATES:
        raise InvalidInput(_("It may hand work to %s agents at most.") % MOST_DELEGATES, "delegates_to")
    # Longer, or with a NUL, it can be no agent's name, and the database would not even be asked.
    askable = [name for name in wanted if len(name) <= 80 and "\x00" not in name]
    known = set(Agent.objects.filter(team_id=agent.team_id, name__in=askable).values_list("name", flat=True))
    for name in wanted:
        if name not in known and name not in before:
            raise InvalidInput(
                _("The team has no agent named “%(name)s”. Only agents of the same team can take work.")
                % {"name": name[:80].replace("\x00", "")},
                "delegates_to",
            )
    return wanted


def _check_children(fields: dict[str, Any]) -> None:
    """What is left out has the default that the version will have."""
    in_all, at_once = (
        int(fields.get(name, AgentVersion._meta.get_field(name).default))
        for name in ("max_children", "max_parallel_children")
    )
    if at_once > in_all:
        raise InvalidInput(
            _(
                "It may start %(all)s runs in all, so at most %(all)s at once, not %(at_once)s. "
                "Allow fewer at once, or more in all."
            )
            % {"all": f"{in_all:,}", "at_once": f"{at_once:,}"},
            "max_parallel_children",
        )


def _check_context(fields: dict[str, Any]) -> None:
    room = fields.get("context_tokens")
    if room is None:
        return
    if isinstance(room, bool) or not isinstance(room, int) or not LEAST_CONTEXT <= room <= MOST_CONTEXT:
        raise InvalidInput(
            _("A request's tokens are a number from %(least)s to %(most)s, or empty for what its model takes.")
            % {"least": f"{LEAST_CONTEXT:,}", "most": f"{MOST_CONTEXT:,}"},
            "context_tokens",
        )
    answer = int(fields.get("max_output_tokens", 0))
    if room - answer < LEAST_CONTEXT // 2:
        raise InvalidInput(
            _(
                "An answer may take %(answer)s tokens of these, which leaves too little for what it is told. "
                "Allow more here, or fewer tokens of one answer."
            )
            % {"answer": f"{answer:,}"},
            "context_tokens",
        )


def _within(value: Any, most: Decimal) -> bool:
    try:
        return not isinstance(value, bool) and 0 < Decimal(str(value)) <= most
    except InvalidOperation:
        return False
