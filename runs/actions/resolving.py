"""A person says what became of an action whose worker died while it was under way."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import CallStatus, WaitingOn, check_call
from agentops.core.tools import ToolResult

from .. import subject
from ..models import Run, ToolCall
from .starting import check_text

OUTCOMES = {
    "happened": CallStatus.SUCCEEDED,
    "did_not_happen": CallStatus.FAILED,
    "do_it_now": CallStatus.APPROVED,
}


def resolve_in_doubt(actor: Actor, call_id: int, outcome: str, note: str = "") -> ToolCall:
    """Settle an in-doubt call: it happened, it did not, or do it now (which runs it once more).

    Deciding about effects needs the right to decide. Raises Conflict when somebody was first.
    """
    if outcome not in OUTCOMES:
        raise InvalidInput(_("Say one of %(outcomes)s.") % {"outcomes": ", ".join(OUTCOMES)}, "outcome")
    note = check_text(note, "note", 4000).strip()
    found = ToolCall.objects.filter(run__in=Run.objects.visible_to(actor)).select_related("run", "step").get(pk=call_id)
    actor.require(Right.DECIDE, found.run.team_id)
    after = OUTCOMES[outcome]
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=found.run_id)
        if after is CallStatus.APPROVED and run.is_final:
            raise Conflict(_("The run has ended, so it cannot do it now. Say whether it happened."))
        changed: dict[str, Any] = {"status": after, "resolved_by_name": str(actor)[:150]}
        if after is CallStatus.APPROVED:
            changed |= {"dispatch_at": Now(), "reason": "A person said: do it now."}
        else:
            changed |= {"ended_at": Now(), "result": asdict(_told(after, note))}
        check_call(CallStatus.IN_DOUBT, after)
        if not ToolCall.objects.filter(pk=found.pk, status=CallStatus.IN_DOUBT).update(**changed):
            found.refresh_from_db()
            said = {"who": found.resolved_by_name, "status": found.get_status_display().lower()}
            raise Conflict(
                _("This is settled already by %(who)s: %(status)s.") % said
                if said["who"]
                else _("This is settled already: %(status)s.") % said
            )
        data = {"step": found.step.number, "call": found.pk, "tool": found.tool, "status": after.value}
        person = {
            "by": str(actor),
            "action": f"said of {found.tool}: {outcome.replace('_', ' ')}",
            "note": note,
        }
        subject.wake(run, [("call.changed", data), ("person.acted", person)], (WaitingOn.IN_DOUBT,))
    found.refresh_from_db()
    return found


def _told(after: CallStatus, note: str) -> ToolResult:
    said = f" They say: {note}" if note else ""
    if after is CallStatus.SUCCEEDED:
        return ToolResult("ok", summary=f"A person checked: it was done.{said}")
    return ToolResult(
        "error", error=f"A person checked: it was not done.{said}", hint="You may try again if it is needed."
    )
