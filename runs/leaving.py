"""How a commit says that the run leaves its worker: to wait, to pause, to another worker, or for good."""

from __future__ import annotations

from decimal import Decimal

from agentops.core.storable import storable
from agentops.engine.interrupts import End, Interrupt, Pause, Wait

from .journal import Change
from .ledger import Slice


def leave(change: Change, interrupt: Interrupt | None) -> None:
    """Nothing when there is no interrupt: the run stays."""
    if interrupt is None:
        return
    change.left = True
    change.wake_after = 0.0
    if isinstance(interrupt, Wait):
        change.status, change.waiting_on = "waiting", interrupt.on
        change.wake_after, change.stop_detail = interrupt.wake_after, storable(interrupt.detail)
    elif isinstance(interrupt, Pause):
        change.status = "paused"
    elif isinstance(interrupt, End):
        change.final, change.status = True, interrupt.status
        change.stop_reason = interrupt.reason
        change.stop_detail, change.answer = storable(interrupt.detail), storable(interrupt.answer)
        change.answer_data = storable(interrupt.data)
        change.outcome, change.outcome_detail = interrupt.outcome, storable(interrupt.outcome_detail)
    if change.status:
        _go(change)


def stay(change: Change) -> None:
    """Undo `leave`: the run has something to read before it ends."""
    change.events = [event for event in change.events if event["kind"] != "run.changed"]
    change.left = change.final = False
    change.status, change.slice, change.wake_after = None, None, None
    change.stop_reason = change.stop_detail = change.answer = change.outcome = change.outcome_detail = ""
    change.answer_data = None


def heed_pause(change: Change, asked: bool) -> None:
    """A pause asked for on the way to waiting (or to another worker) counts; one taken back does not."""
    if not asked and change.status != "paused":
        return
    change.events = [event for event in change.events if event["kind"] != "run.changed"]
    change.waiting_on, change.stop_detail = "", ""
    if asked:
        change.status = "paused"
        _go(change)
    else:
        change.status, change.slice = None, None


def _go(change: Change) -> None:
    """The run goes to `change.status`: it gives its slice back and says so."""
    change.slice = Slice([], Decimal(0))
    change.event("run.changed", status=change.status, waiting_on=change.waiting_on, stop_reason=change.stop_reason)
