"""Everything periodic. Each task finds its work in the database, so a missed beat delays and loses nothing."""

from __future__ import annotations

KEPT_SECONDS = 120
"""How late a sweep may come: less than a pile of them, more than machines' clocks are apart."""

SCHEDULE = {
    "wake runs whose time has come or whose lease ran out": {
        "task": "runs.tasks.sweep_runs",
        "schedule": 1.0,
        "options": {"queue": "sweeps", "expires": KEPT_SECONDS},
    },
    "fire countdowns": {
        "task": "approvals.tasks.fire_timers",
        "schedule": 1.0,
        "options": {"queue": "sweeps", "expires": KEPT_SECONDS},
    },
    "fire schedules whose time has come": {
        "task": "runs.tasks.fire_triggers",
        "schedule": 1.0,
        "options": {"queue": "sweeps", "expires": KEPT_SECONDS},
    },
    "look up what is in doubt": {
        "task": "runs.tasks.verify_calls",
        "schedule": 5.0,
        "options": {"queue": "sweeps", "expires": KEPT_SECONDS},
    },
    "count what happened by the hour": {
        "task": "runs.tasks.count_by_the_hour",
        "schedule": 20.0,
        "options": {"queue": "sweeps", "expires": KEPT_SECONDS},
    },
    "forget what nobody needs": {
        "task": "runs.tasks.forget",
        "schedule": 3600.0,
        "options": {"queue": "sweeps", "expires": 600},
    },
}
