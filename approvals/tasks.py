"""Celery's door to the timers."""

from __future__ import annotations

from celery import shared_task

from .actions import fire_due_timers


@shared_task(name="approvals.tasks.fire_timers", queue="sweeps", ignore_result=True)
def fire_timers() -> None:
    fire_due_timers()
