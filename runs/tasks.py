"""What Celery runs: shells around the worker, the sweep and the clean-up."""

from __future__ import annotations

import gc
from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from . import actions, rollup, sweep, verifying, wake, worker


@shared_task(name="runs.tasks.advance")
def advance(run_id: str) -> None:
    """Take a run as far as it goes. A hint: another run may have its turn, and when none is due, nothing happens."""
    worker.here().advance(run_id)


@shared_task(name="runs.tasks.sweep_runs")
def sweep_runs() -> None:
    sweep.wake_due_runs()
    sweep.settle_orphans()
    sweep.hear_of_children()


@shared_task(name="runs.tasks.fire_triggers")
def fire_triggers() -> None:
    actions.fire_due()


@shared_task(name="runs.tasks.verify_calls")
def verify_calls() -> None:
    verifying.verify_due()


@shared_task(name="runs.tasks.count_by_the_hour")
def count_by_the_hour() -> None:
    rollup.refresh()


@shared_task(name="runs.tasks.forget")
def forget() -> None:
    sweep.forget_idempotency_keys()
    sweep.forget_firings()


@worker_ready.connect
def _report_for_duty(sender: Any = None, **_: object) -> None:
    """A worker of the runs' queue says at once that it lives, before its first run. Its threads are its slots."""
    if sender is not None and wake.QUEUE in sender.app.amqp.queues.consume_from:
        worker.here().slots = sender.controller.concurrency
        # What was imported stays: no collection need look through it again, which would hold up all runs at once.
        gc.collect()
        gc.freeze()
