"""Why a run stopped or waits, and what a person can do about it, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from agentops.core.states import StopReason as Stop
from agentops.core.states import WaitingOn
from runs.models import Run

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Ending:
    """`go_on`: what the button says that lets the run go on from where it stopped; empty where nothing does."""

    what: Words
    next: Words
    go_on: Words = ""


_LIMIT = _("What it did before stands, and it can go on from there with a higher limit.")
_RAISE = _("Raise it and go on")
_AGAIN = _("Try the failed step again")
ENDINGS: dict[str, Ending] = {
    Stop.MAX_STEPS: Ending(_("It reached its limit of steps."), _LIMIT, _RAISE),
    Stop.MAX_TOOL_CALLS: Ending(_("It reached its limit of tool calls."), _LIMIT, _RAISE),
    Stop.MAX_TOKENS: Ending(_("It reached its limit of tokens."), _LIMIT, _RAISE),
    Stop.MAX_COST: Ending(_("It reached its cost limit."), _LIMIT, _RAISE),
    Stop.MAX_SECONDS: Ending(_("It reached its limit of working time."), _LIMIT, _RAISE),
    Stop.MODEL_FAILED: Ending(
        _("Every model of its route failed."),
        _("What it did before stands. The last step lists every attempt; try it again when the provider is well."),
        _AGAIN,
    ),
    Stop.REFUSED: Ending(
        _("The model refused to go on."),
        _("Read its last words. It can be asked to go on; another wording of the goal may help more."),
        _("Ask it to go on"),
    ),
    Stop.TRUNCATED: Ending(
        _("The answer was longer than the agent's output limit."),
        _("It can go on after the cut. For the next run, raise the agent's output tokens or ask for less."),
        _("Let it go on"),
    ),
    Stop.INVALID_ANSWER: Ending(
        _("Its answer never had the shape that was asked for."),
        _("The answer stands as it was given. Look at what was wrong with it, or ask for less in the agent's schema."),
        _("Let it try again"),
    ),
    Stop.CONTEXT_FULL: Ending(
        _("Its conversation does not fit into the context any more, even shortened."),
        _("What it did before stands. Give the agent a larger context, or a smaller goal."),
    ),
    Stop.PLAN_FAILED: Ending(
        _("It made no plan that can be carried out."),
        _("Nothing was done. The steps say what was wrong with each plan."),
        _("Let it plan again"),
    ),
    Stop.ERROR: Ending(
        _("The engine failed."),
        _("What it did before stands. The log has the error; try again when it is fixed."),
        _("Try again"),
    ),
    Stop.CANCELLED: Ending(_("A person cancelled it."), _("What it did before stands; what waited was not done.")),
}


@dataclass(frozen=True, slots=True)
class Recovery:
    what: Words
    next: Words
    """When telling the agent did not help."""


_A_PERSON = _("If it happens again, a person is asked.")
_THE_END = _("If it happens again, the run ends with what there is.")
RECOVERIES: dict[str, Recovery] = {
    "empty": Recovery(_("The agent said nothing and called nothing."), _A_PERSON),
    "truncated": Recovery(_("The answer was cut off at the output limit."), _THE_END),
    "refusal": Recovery(_("The model refused to go on; the next one was asked."), _THE_END),
    "malformed": Recovery(_("None of the last calls could be run."), _A_PERSON),
    "tool": Recovery(_("A tool kept failing."), _A_PERSON),
    "loop": Recovery(_("The agent turned in circles."), _A_PERSON),
    "answer_schema": Recovery(_("The answer did not have the shape that was asked for."), _THE_END),
    "criteria": Recovery(
        _("The answer did not meet what counts as completed."), _("The run ends either way; it may not be completed.")
    ),
    "plan": Recovery(_("The plan could not be carried out."), _THE_END),
}
UNKNOWN = Ending(_("It stopped."), _("What it did before stands."), _("Let it go on"))

_UNTIL: dict[str, Words] = {
    WaitingOn.APPROVAL: _("until somebody decides"),
    WaitingOn.ANSWER: _("until somebody answers"),
    WaitingOn.IN_DOUBT: _("until somebody says"),
}


def ending(run: Run) -> Ending | None:
    """None while it lives and when it succeeded."""
    if run.status not in (Run.Status.FAILED, Run.Status.CANCELLED):
        return None
    return ENDINGS.get(run.stop_reason, UNKNOWN)


def until(run: Run) -> Words:
    """Of a waiting run that no clock wakes: what ends the waiting."""
    return "" if run.wake_at else _UNTIL.get(run.waiting_on, "")


def when_read(run: Run) -> str:
    """When the agent reads a message that is sent now."""
    if run.status == Run.Status.PAUSED:
        return _now("It reads this when somebody resumes it.")
    if run.status == Run.Status.WAITING:
        return _now("It waits for %(on)s, and reads this when it goes on.") % {"on": run.get_waiting_on_display()}
    if run.status == Run.Status.QUEUED:
        return _now("It reads this when a worker takes it.")
    return _now("It reads this with its next step, when what it is doing now is done.")
