"""What is learned after a run was taken from its worker: money spent and effects that happened are still recorded.

Each row guards itself (its own status and fence), since the run's fence no longer lets the worker write.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agentops.core.models import Attempt
from agentops.core.states import CallStatus
from agentops.engine.state import Call, OpenStep, RunState

from . import ledger, rows
from .models import Event, ModelCall, Run, Step, ToolCall

ORPHANED_AFTER = timedelta(seconds=60)
"""How long the worker of an ended run has to say what its last call cost or did."""


def settle(
    state: RunState, fence: int, step: OpenStep | None, attempts: list[Attempt], done: list[Call]
) -> list[dict[str, Any]]:
    """Bill the cut-off call, if nobody has yet, and store what became of effects under way. Returns the events."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=state.id)
        events: list[tuple[str, dict[str, Any]]] = []
        if step and Step.objects.filter(pk=step.id, status=Step.Status.CALLING, fence=fence).update(
            status=Step.Status.ABANDONED, answered_at=Now()
        ):
            book(run, step.id, attempts)
            events.append(("step.abandoned", {"step": step.number}))
        for call in done:
            mine = ToolCall.objects.filter(
                pk=call.id, fence=fence, status__in=[CallStatus.EXECUTING, CallStatus.IN_DOUBT]
            )
            row = rows.finished(call)
            if mine.update(ended_at=Now(), **{name: row[name] for name in row if name != "id"}):
                data = {"step": state.steps, "call": call.id, "tool": call.tool, "status": call.status.value}
                events.append(("call.changed", data))
        return add_events(run, events)


def book(run: Run, step_id: int, attempts: list[Attempt]) -> None:
    """Put attempts into the ledger of a run that has ended, and give back what it still holds. The run is locked."""
    cost = sum((attempt.cost_usd for attempt in attempts), Decimal(0))
    for attempt in attempts:
        ModelCall.objects.create(run=run, started_at=attempt.started_at, **_columns(rows.billed(attempt, step_id)))
    Step.objects.filter(pk=step_id).update(cost_usd=F("cost_usd") + cost)
    run.cost_usd += cost
    run.input_tokens += sum(attempt.usage.input_tokens for attempt in attempts)
    run.output_tokens += sum(attempt.usage.output_tokens for attempt in attempts)
    changed = ["cost_usd", "input_tokens", "output_tokens"]
    if run.is_final:
        ledger.give_back(run.slice_accounts, run.slice_drawn, run.slice_spent + cost)
        run.slice_drawn = run.slice_spent = run.held_usd = Decimal(0)
        run.slice_accounts = []
        changed += ["slice_drawn", "slice_spent", "held_usd", "slice_accounts"]
    else:
        run.slice_spent += cost
        changed.append("slice_spent")
    run.save(update_fields=changed)


def add_events(run: Run, events: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Number events under the run's lock and store them; returns them as the live feed takes them."""
    numbered = []
    for kind, data in events:
        run.seq += 1
        Event.objects.create(run=run, seq=run.seq, kind=kind, data=data, at=Now())
        numbered.append({"seq": run.seq, "kind": kind, "data": data})
    if events:
        Run.objects.filter(pk=run.pk).update(seq=run.seq)
    return numbered


def orphans() -> list[Run]:
    """Ended runs whose worker died before it could say what its last model call cost or what its last effects did."""
    ended = Run.objects.filter(status__in=Run.FINAL, ended_at__lt=Now() - ORPHANED_AFTER)
    holding = ended.filter(held_usd__gt=0)
    executing = ended.filter(call_set__status=CallStatus.EXECUTING)
    return list(holding.union(executing)[:100])


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    row = dict(row)
    row.pop("started_at")
    return row
