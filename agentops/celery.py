"""The Celery application: one queue for runs, one for sweeps and notices, so that full workers never starve timers."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")

app = Celery("agentops")
app.config_from_object("agentops.settings:CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Django has configured logging already; Celery must not replace it."""


from agentops.schedule import SCHEDULE  # noqa: E402

app.conf.beat_schedule = SCHEDULE
