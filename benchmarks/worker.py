"""The Celery application of the benchmarks' worker process: ours, with a scripted model and the benchmarks' tools."""

from __future__ import annotations

import django

django.setup()

from agentops.celery import app  # noqa: E402
from benchmarks import rows  # noqa: E402, F401 - registers the tools
from benchmarks.scripted import Scripted  # noqa: E402
from runs import worker  # noqa: E402

worker.use(Scripted("bench_act", 2))

__all__ = ["app"]
