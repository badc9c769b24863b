"""The Celery application of a worker process with the real gateway, to the simulator, and the benchmarks' tools."""

from __future__ import annotations

import django

django.setup()

from agentops.celery import app  # noqa: E402
from benchmarks import rows  # noqa: E402, F401 - registers the tools

__all__ = ["app"]
