"""A person takes a run over: chooses its next calls in the model's place, and hands it back."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import RunStatus, WaitingOn, check_run
from agentops.core.tools import InvalidArguments, Tool
from agentops.tools.registry import registry

from ..models import Run, RunMessage
from ..texts import check_text
from .control import Events, control, go_on

MAX_NOTE = 500
MAX_WORDS = 20_000
# What waits for these goes on with the calls that were begun; the rest would only ask the model.
OPEN_CALLS = (WaitingOn.APPROVAL, WaitingOn.ANSWER, WaitingOn.IN_DOUBT, WaitingOn.CHILD)


def take_over(actor: Actor, run_id: UUID | str) -> Run:
    """The model is asked no more; what was begun is finished, and then the run stands still until a call is ordered.

    Raises Run.DoesNotExist, NotAllowed, and Conflict when it has ended, is somebody's already, or asks no model anyway.
    """
    return control(actor, run_id, "took it over", lambda run: _take_over(run, str(actor)[:150]), order="pause")


def order_call(actor: Actor, run_id: UUID | str, tool: str, arguments: dict[str, Any], note: str = "") -> Run:
    """The next call, chosen by the person who has taken the run over. It goes the whole way of every call.

    Raises Run.DoesNotExist, NotAllowed, Conflict when the run is not theirs or still at work, and InvalidInput with the
    field at fault: `tool`, `note`, or `arguments.amount`.
    """
    note = check_text(note, "note", MAX_NOTE).strip()

    def order(run: Run) -> Events:
        _check_mine(run, str(actor)[:150])
        found = tool_of(run, tool)
        checked = checked_arguments(found, arguments)
        placed = {"tool": found.name, "arguments": checked, "by": str(actor)[:150], "note": note, "undoes": None}
        Run.objects.filter(pk=run.pk).update(orders=[*run.orders, placed])
        return go_on(run) if run.status == Run.Status.PAUSED else []

    return control(actor, run_id, f"ordered {tool[:128]}" if isinstance(tool, str) else "ordered", order, note)


def hand_back(actor: Actor, run_id: UUID | str, words: str = "") -> Run:
    """The agent goes on from where the person left it, told `words` if there are any."""
    words = check_text(words, "words", MAX_WORDS).strip()

    def give(run: Run) -> Events:
        if not run.taken_over_by:
            raise Conflict(_("Nobody has taken it over."))
        if run.is_final:
            raise Conflict(_("The run has ended."))
        Run.objects.filter(pk=run.pk).update(taken_over_by="", orders=[], pause_requested=False)
        if words:
            RunMessage.objects.create(run=run, text=words, by=actor.user, by_name=str(actor)[:150])
            Run.objects.filter(pk=run.pk).update(unread=F("unread") + 1)
        return go_on(run) if run.status in (Run.Status.PAUSED, Run.Status.RUNNING) else []

    return control(actor, run_id, "handed it back", give, words)


def hindrance(run: Run, actor: Actor) -> str:
    """Why this person could order no call just now; "" when nothing is in the way."""
    try:
        _check_mine(run, str(actor)[:150])
    except Conflict as error:
        return str(error)
    return ""


def tools_of(run: Run) -> list[Tool]:
    """What a person may order: the agent's tools that are installed and are not questions to a person."""
    names = run.only_tools if run.only_tools is not None else (run.version.tools if run.version else [])
    found = [tool for name in names if (tool := registry.get(name)) is not None]
    return [tool for tool in found if not tool.asks_person]


def tool_of(run: Run, name: str) -> Tool:
    """Raises InvalidInput(tool)."""
    for tool in tools_of(run):
        if tool.name == name:
            return tool
    names = ", ".join(tool.name for tool in tools_of(run)) or _("none")
    raise InvalidInput(_("Choose one of the agent's tools: %(names)s.") % {"names": names}, "tool")


def checked_arguments(tool: Tool, arguments: Any) -> dict[str, Any]:
    """Validated, with defaults. Raises InvalidInput with the first argument at fault."""
    try:
        return tool.validate(arguments)
    except InvalidArguments as error:
        named = re.search(r"^- ([^:\n]{1,200}): (.+)$", str(error), re.MULTILINE)
        where = f"arguments.{named[1]}" if named and named[1] != "arguments" else "arguments"
        raise InvalidInput(named[2] if named else str(error), where) from error


def _take_over(run: Run, who: str) -> Events:
    if run.is_final:
        raise Conflict(
            _("The run has ended (%(status)s). Fork it to go another way.")
            % {"status": run.get_status_display().lower()}
        )
    if run.undoes_id is not None:
        raise Conflict(_("It takes actions back and asks no model: there is nothing to take over."))
    if run.taken_over_by:
        raise Conflict(_("%(who)s has taken it over already.") % {"who": run.taken_over_by})
    Run.objects.filter(pk=run.pk).update(taken_over_by=who)
    if run.status == Run.Status.RUNNING:
        Run.objects.filter(pk=run.pk).update(pause_requested=True)
        return []
    if run.status == Run.Status.PAUSED or (run.status == Run.Status.WAITING and run.waiting_on in OPEN_CALLS):
        return []
    check_run(RunStatus(run.status), RunStatus.PAUSED)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.PAUSED, wake_at=None, waiting_on="", waiting_since=None)
    return [("run.changed", {"status": "paused", "waiting_on": ""})]


def _check_mine(run: Run, who: str) -> None:
    """Raises Conflict unless this person has the run, and it stands where another call can be begun."""
    if run.is_final:
        raise Conflict(_("The run has ended."))
    if not run.taken_over_by:
        raise Conflict(_("Take the run over first: the agent chooses its calls itself."))
    if run.taken_over_by != who:
        raise Conflict(_("%(who)s has taken it over, and chooses its calls.") % {"who": run.taken_over_by})
    if run.orders:
        raise Conflict(_("The call that was ordered before has not begun yet."))
    if run.status == Run.Status.RUNNING:
        raise Conflict(_("It is still at work. Order the next call when it stands still."))
    for used, most, what in (
        (run.steps, run.max_steps, _("steps")),
        (run.tool_calls, run.max_tool_calls, _("tool calls")),
    ):
        if used >= most:
            raise Conflict(
                _("It has used its %(most)s %(what)s: raise that limit first.") % {"most": most, "what": what}
            )
