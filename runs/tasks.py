"""What Celery runs: shells around the worker, the sweep and the clean-up."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from . import sweep, worker


@shared_task(name="runs.tasks.advance", queue="runs")
def advance(run_id: str) -> None:
    """Take a run as far as it goes. A hint: when another worker has it, or its time has not come, nothing happens."""
    worker.here().advance(run_id)


@shared_task(name="runs.tasks.sweep_runs", queue="sweeps")
def sweep_runs() -> None:
    sweep.wake_due_runs()
    sweep.settle_orphans()


@shared_task(name="runs.tasks.forget", queue="sweeps")
def forget() -> None:
    sweep.forget_idempotency_keys()


@worker_ready.connect
def _report_for_duty(sender: Any = None, **_: object) -> None:
    """A worker of the runs' queue says at once that it lives, before its first run."""
    if sender is not None and advance.queue in sender.app.amqp.queues.consume_from:
        worker.here()
