"""How a run ends that is locked but in no worker's hands, and with every run all that still lives below it.

Runs first, from above downwards, then requests, then accounts: the one order of locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agentops.core.states import CallStatus, RunStatus, StopReason, check_run
from agentops.core.tools import ToolResult
from agentops.live import publish
from agentops.tools.registry import registry

from . import children, ledger, plan_review, subject, tree
from .late import add_events
from .models import PlanStep, Run, Step, ToolCall

Events = list[tuple[str, dict[str, Any]]]


def end(run: Run, status: RunStatus, stop_reason: StopReason, detail: str) -> Events:
    """End a locked run; the runs below it are cancelled with it. The run above it hears of it after the commit."""
    check_run(RunStatus(run.status), status)
    below = tree.locked_below(run.pk)
    cancelled = status is RunStatus.CANCELLED
    _close(run.pk, f"Its run {'was cancelled' if cancelled else 'has ended'}.")
    _end_all(below, f"The run above it {'was cancelled' if cancelled else 'has ended'}.", run.slice_accounts)
    if run.parent_id:
        transaction.on_commit(partial(children.report, run.pk), robust=True)
    return _end(run, status, stop_reason, detail)


def end_below(run_id: UUID | str, accounts: Sequence[int]) -> None:
    """A worker ends a run in this transaction: what lives below it ends, too. `accounts`: those it touches next."""
    _close(run_id, "Its run has ended.")
    _end_all(tree.locked_below(run_id), "The run above it has ended.", accounts)


def _close(run_id: UUID | str, why: str) -> None:
    """What has not begun will not be done, and waits for nobody."""
    subject.close_calls(run_id, why)
    plan_review.close_review(run_id, why)
    handed = [name for name in registry.names() if (tool := registry.get(name)) and tool.starts_run]
    ToolCall.objects.filter(run_id=run_id, status=CallStatus.EXECUTING, tool__in=handed).update(
        status=CallStatus.FAILED, ended_at=Now(), result=asdict(ToolResult("error", error=why))
    )


def _end_all(runs: list[Run], why: str, accounts: Sequence[int]) -> None:
    for run in runs:
        _close(run.pk, why)
    if runs:
        ledger.lock(sorted({*accounts, *(account for run in runs for account in run.slice_accounts)}))
    for run in runs:
        working = run.status == Run.Status.RUNNING
        numbered = add_events(run, _end(run, RunStatus.CANCELLED, StopReason.CANCELLED, why, reported=True))
        # Let go on, the run above may begin this step again.
        PlanStep.objects.filter(pk=run.plan_step_id, status=PlanStep.Status.RUNNING).update(
            status=PlanStep.Status.PENDING
        )
        transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))
        if working:
            transaction.on_commit(partial(publish.tell_workers, run.pk, "cancel"))


def _end(run: Run, status: RunStatus, stop_reason: StopReason, detail: str, *, reported: bool = False) -> Events:
    if not run.held_usd:
        Step.objects.filter(run=run, status=Step.Status.CALLING).update(status=Step.Status.ABANDONED, answered_at=Now())
    # What its open model call may still cost stays held until the worker says, or the sweep estimates.
    ledger.give_back(run.slice_accounts, run.slice_drawn - run.held_usd, run.slice_spent)
    Run.objects.filter(pk=run.pk).update(
        status=status,
        fence=F("fence") + 1,
        wake_at=None,
        ended_at=Now(),
        waiting_on="",
        waiting_since=None,
        stop_reason=stop_reason,
        stop_detail=detail,
        pause_requested=False,
        reported=reported,
        slice_drawn=run.held_usd,
        slice_spent=Decimal(0),
        slice_accounts=run.slice_accounts if run.held_usd else [],
    )
    return [("run.changed", {"status": status.value, "waiting_on": "", "stop_reason": stop_reason.value})]
