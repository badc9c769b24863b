"""Why a run stopped and what a person can do about it, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentops.core.states import StopReason as Stop
from runs.models import Run


@dataclass(frozen=True, slots=True)
class Ending:
    what: str | Promise
    next: str | Promise


_LIMIT = _("What it did before stands. To go further, start a new run with a higher limit.")
ENDINGS: dict[str, Ending] = {
    Stop.MAX_STEPS: Ending(_("It reached its limit of steps."), _LIMIT),
    Stop.MAX_TOOL_CALLS: Ending(_("It reached its limit of tool calls."), _LIMIT),
    Stop.MAX_TOKENS: Ending(_("It reached its limit of tokens."), _LIMIT),
    Stop.MAX_COST: Ending(_("It reached its cost limit."), _LIMIT),
    Stop.MAX_SECONDS: Ending(_("It reached its limit of working time."), _LIMIT),
    Stop.MODEL_FAILED: Ending(
        _("Every model of its route failed."),
        _("What it did before stands. Look at the last step's attempts, then start it again."),
    ),
    Stop.REFUSED: Ending(
        _("The model refused to go on."), _("Read its last words; another wording of the goal may help.")
    ),
    Stop.TRUNCATED: Ending(
        _("The answer was longer than the agent's output limit."),
        _("Raise the agent's output tokens, or ask for less."),
    ),
    Stop.ERROR: Ending(
        _("The engine failed."), _("What it did before stands. The log has the error; start it again when it is fixed.")
    ),
    Stop.CANCELLED: Ending(_("A person cancelled it."), _("What it did before stands; what waited was not done.")),
}
UNKNOWN = Ending(_("It stopped."), _("What it did before stands."))


def ending(run: Run) -> Ending | None:
    """None while it lives and when it succeeded."""
    if run.status not in (Run.Status.FAILED, Run.Status.CANCELLED):
        return None
    return ENDINGS.get(run.stop_reason, UNKNOWN)
