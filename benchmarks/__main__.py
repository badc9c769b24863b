"""python -m benchmarks: starts servers of its own, measures, prints a table and writes results.json."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import django


def main() -> None:
    from agentops import env
    from agentops.devstack import services

    for name in ("DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="agentops-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["AGENTOPS_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
        embedded = env.load().embedded
        if embedded is None:
            raise SystemExit("The benchmarks run on embedded servers.")
        services.prepare(embedded)
        with services.running(embedded):
            _measure()


def _measure() -> None:
    django.setup()
    logging.getLogger().setLevel(logging.ERROR)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from . import durable_steps, resume_latency
    from .result import table, write

    results = [result for module in (durable_steps, resume_latency) for result in module.measure()]
    print(table(results))
    write(results)


main()
