"""Pause, resume, cancel: a person's word under the run's lock, then a hint to its worker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict
from agentops.core.states import RunStatus, StopReason, check_run
from agentops.live import publish
from approvals.actions import freeze, unfreeze

from .. import ending, subject, tree
from ..late import add_events
from ..models import Run
from ..wake import hint_on_commit
from .starting import check_text

Events = list[tuple[str, dict[str, Any]]]


def cancel_run(actor: Actor, run_id: UUID | str, reason: str = "") -> Run:
    """End it now, and every run below it.

    A model call under way is cut and billed; an effect under way is seen through and recorded.
    """
    reason = check_text(reason, "reason", 2000).strip()
    return control(actor, run_id, "cancelled", lambda run: _cancel(run, reason), reason, order="cancel")


def pause_run(actor: Actor, run_id: UUID | str) -> Run:
    """Stand still at the next step's boundary, as does every run below it; a run that waits stands still at once.

    Countdowns stop.
    """
    return control(actor, run_id, "paused", _pause, order="pause")


def resume_run(actor: Actor, run_id: UUID | str) -> Run:
    """Go on from where it stands, with every run below it; countdowns run on."""
    return control(actor, run_id, "resumed", _resume)


def control(
    actor: Actor,
    run_id: UUID | str,
    action: str,
    change: Callable[[Run], Events],
    note: str = "",
    order: Literal["cancel", "pause"] | None = None,
    other: UUID | None = None,
) -> Run:
    """One deed of a person under the run's lock: the change, its event, and who did it. Raises Run.DoesNotExist.

    `other` is the run that it made.
    """
    with transaction.atomic():
        visible = Run.objects.visible_to(actor).get(pk=run_id)
        actor.require(Right.OPERATE, visible.team_id)
        run = tree.locked(visible)
        events = change(run)
        person = ("person.acted", acted(actor, action, note, other))
        numbered = add_events(run, [person, *events])
        transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))
        if order:
            transaction.on_commit(partial(publish.tell_workers, run.pk, order))
    run.refresh_from_db()
    return run


def acted(actor: Actor, action: str, note: str = "", other: UUID | None = None) -> dict[str, str]:
    """What an event says of a person's deed; `other`: the run that it made, or came from."""
    return {"by": str(actor), "action": action, "note": note, **({"run": str(other)} if other else {})}


def _cancel(run: Run, reason: str) -> Events:
    if run.is_final:
        raise Conflict(_("The run has ended already: %(status)s.") % {"status": run.get_status_display().lower()})
    return ending.end(run, RunStatus.CANCELLED, StopReason.CANCELLED, reason)


def fail_run(run_id: UUID | str, fence: int, detail: str) -> None:
    """End a run that its worker cannot even read. Nothing happens when another holds it by now."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.fence == fence and not run.is_final:
            numbered = add_events(run, ending.end(run, RunStatus.FAILED, StopReason.ERROR, detail))
            transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))


def _pause(run: Run) -> Events:
    if run.is_final or run.status == Run.Status.PAUSED or run.pause_requested:
        raise Conflict(
            _("The run cannot be paused: it is %(status)s.")
            % {"status": _("about to pause") if run.pause_requested else run.get_status_display().lower()}
        )
    below = [one for one in tree.locked_below(run.pk) if not (_stands(one) or one.pause_requested)]
    for one in below:
        _tell(one, _stand_still(one), "pause")
    return _stand_still(run)


def _stands(run: Run) -> bool:
    return run.status == Run.Status.PAUSED


def _tell(run: Run, events: Events, order: Literal["pause"] | None = None) -> None:
    """What a person's word to the run above did to this one."""
    numbered = add_events(run, events)
    transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))
    if order:
        transaction.on_commit(partial(publish.tell_workers, run.pk, order))


def _stand_still(run: Run) -> Events:
    freeze(subject.KIND, subject.held_calls(run.pk))
    if run.status == Run.Status.RUNNING:
        Run.objects.filter(pk=run.pk).update(pause_requested=True)
        return []
    check_run(RunStatus(run.status), RunStatus.PAUSED)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.PAUSED, wake_at=None, waiting_on="", waiting_since=None)
    return [("run.changed", {"status": "paused", "waiting_on": ""})]


def _resume(run: Run) -> Events:
    if run.taken_over_by and not run.is_final:
        raise Conflict(_("%(who)s has taken it over: hand it back instead.") % {"who": run.taken_over_by})
    if run.status != Run.Status.PAUSED and not run.pause_requested:
        raise Conflict(
            _("Only a paused run can be resumed; this one is %(status)s.")
            % {"status": run.get_status_display().lower()}
        )
    for one in tree.locked_below(run.pk):
        if (_stands(one) and not one.taken_over_by) or one.pause_requested:
            _tell(one, go_on(one))
    return go_on(run)


def go_on(run: Run) -> Events:
    """From a pause, or on in spite of one that was asked for."""
    unfreeze(subject.KIND, subject.held_calls(run.pk))
    if run.status == Run.Status.RUNNING:
        # On its way to wait, its worker may have begun nothing for the pause's sake: it looks once more.
        Run.objects.filter(pk=run.pk).update(pause_requested=False, poked=True)
        return []
    check_run(RunStatus(run.status), RunStatus.QUEUED)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.QUEUED, wake_at=Now(), hinted_at=None)
    hint_on_commit(run.pk)
    return [("run.changed", {"status": "queued", "waiting_on": ""})]
