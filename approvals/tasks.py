"""Celery's door to the timers."""

from __future__ import annotations

from celery import shared_task

from .actions import fire_due_timers


@shared_task(name="approvals.tasks.fire_timers", ignore_result=True)
def fire_timers() -> None:
    fire_due_timers()
