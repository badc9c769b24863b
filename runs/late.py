"""What is learned after a run was taken from its worker: money spent and effects that happened are still recorded.

Each row guards itself (its own status and fence), since the run's fence no longer lets the worker write.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from agentops.core.models import Attempt
from agentops.core.states import CallStatus, WaitingOn
from agentops.core.tools import ToolResult
from agentops.engine.state import Call, OpenStep, RunState

from . import ledger, rows
from .models import Event, ModelCall, Run, Step, ToolCall

ORPHANED_AFTER = timedelta(seconds=6 * settings.AGENTOPS_LEASE_SECONDS)
"""How long the worker of an ended run has to say what its last call cost or did: a minute by default."""


def settle(
    state: RunState, fence: int, step: OpenStep | None, attempts: list[Attempt], done: list[Call]
) -> list[dict[str, Any]]:
    """Bill the cut-off call, if nobody has yet, and store what became of effects under way. Returns the events."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=state.id)
        events: list[tuple[str, dict[str, Any]]] = []
        still_open = step and Step.objects.filter(pk=step.id, status=Step.Status.CALLING, fence=fence)
        # Another worker that has taken a living run bills this call itself, by an estimate.
        if step and still_open and (run.is_final or run.fence == fence):
            if run.is_final:
                still_open.update(status=Step.Status.ABANDONED, answered_at=Now())
                events.append(("step.abandoned", {"step": step.number}))
            book(run, step.id, attempts)
        for call in done:
            mine = ToolCall.objects.filter(
                pk=call.id, fence=fence, status__in=[CallStatus.EXECUTING, CallStatus.IN_DOUBT]
            )
            row = rows.finished(call)
            if mine.update(ended_at=Now(), **{name: row[name] for name in row if name != "id"}):
                data = {"step": state.turn, "call": call.id, "tool": call.tool, "status": call.status.value}
                events.append(("call.changed", data))
        if run.is_final:
            cut_off = ToolCall.objects.filter(run=run, status=CallStatus.EXECUTING, fence=fence, idempotent=True)
            events += give_up(cut_off)
        else:
            _hand_over(run, fence)
        return add_events(run, events)


def give_up(calls: QuerySet[ToolCall]) -> list[tuple[str, dict[str, Any]]]:
    """Calls of an ended run that nobody executes any more: a person must say what became of those with an effect."""
    events: list[tuple[str, dict[str, Any]]] = []
    for call in calls.select_related("step"):
        if call.idempotent:
            result = ToolResult("error", error="It was cut off when its run ended.")
            changed = {"status": CallStatus.FAILED, "result": asdict(result), "ended_at": Now()}
        else:
            changed = {"status": CallStatus.IN_DOUBT, "reason": "Its worker died while it was executing."}
        ToolCall.objects.filter(pk=call.pk).update(**changed)
        data = {"step": call.step.number, "call": call.pk, "tool": call.tool, "status": changed["status"].value}
        events.append(("call.changed", data))
    return events


def _hand_over(run: Run, fence: int) -> None:
    """The worker writes nothing more: another may take the run at once, and one that waits for its word goes on."""
    living = Run.objects.filter(pk=run.pk)
    living.filter(status=Run.Status.RUNNING, fence=fence, wake_at__gt=Now()).update(wake_at=Now(), worker="")
    living.filter(status=Run.Status.RUNNING).exclude(fence=fence).update(poked=True)
    living.filter(status=Run.Status.WAITING, waiting_on=WaitingOn.IN_DOUBT).update(wake_at=Now())


def book(run: Run, step_id: int, attempts: list[Attempt]) -> None:
    """Put the attempts of a cut-off call into the ledger and free its hold. The run is locked.

    An ended run gives back what is left of its slice as well.
    """
    cost = sum((attempt.cost_usd for attempt in attempts), Decimal(0))
    for attempt in attempts:
        ModelCall.objects.create(run=run, started_at=attempt.started_at, **_columns(rows.billed(attempt, step_id)))
    Step.objects.filter(pk=step_id).update(cost_usd=F("cost_usd") + cost)
    run.cost_usd += cost
    run.input_tokens += sum(attempt.usage.input_tokens for attempt in attempts)
    run.output_tokens += sum(attempt.usage.output_tokens for attempt in attempts)
    run.held_usd = Decimal(0)
    changed = ["cost_usd", "input_tokens", "output_tokens", "held_usd"]
    if run.is_final:
        ledger.give_back(run.slice_accounts, run.slice_drawn, run.slice_spent + cost)
        run.slice_drawn = run.slice_spent = Decimal(0)
        run.slice_accounts = []
        changed += ["slice_drawn", "slice_spent", "slice_accounts"]
    else:
        run.slice_spent += cost
        changed.append("slice_spent")
    run.save(update_fields=changed)


def add_events(run: Run, events: list[tuple[str, dict[str, Any]]], **changes: Any) -> list[dict[str, Any]]:
    """Number events under the run's lock and store them, with other changes of its row; returns them as the live feed
    takes them."""
    numbered = []
    for kind, data in events:
        run.seq += 1
        Event.objects.create(run=run, seq=run.seq, kind=kind, data=data, at=Now())
        numbered.append({"seq": run.seq, "kind": kind, "data": data})
    if events or changes:
        Run.objects.filter(pk=run.pk).update(seq=run.seq, **changes)
    return numbered


def orphans() -> list[Run]:
    """Ended runs whose worker died before it could say what its last model call cost or what its last effects did."""
    ended = Run.objects.filter(status__in=Run.FINAL, ended_at__lt=Now() - ORPHANED_AFTER)
    # By the small indexes of what is open: there may be millions of ended runs, and this runs every second.
    calling = ended.filter(step_set__status=Step.Status.CALLING)
    executing = ended.filter(call_set__status=CallStatus.EXECUTING)
    return list(calling.union(executing)[:100])


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    row = dict(row)
    row.pop("started_at")
    return row
