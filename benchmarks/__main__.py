"""python -m benchmarks [parts] [--runs N]: starts servers of its own, measures, prints a table, writes results.json."""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

import django

from .result import Result, table, write

PARTS = ("durable_steps", "resume_latency", "pages", "live")


def main() -> None:
    from agentops import env
    from agentops.devstack import services

    options = _options()
    for name in ("DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="agentops-bench-", dir=options.folder) as folder:
        Path(folder).chmod(0o711)
        os.environ["AGENTOPS_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
        embedded = env.load().embedded
        if embedded is None:
            raise SystemExit("The benchmarks run on embedded servers.")
        services.prepare(embedded)
        with services.running(embedded):
            _measure(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; none: all")
    parser.add_argument("--runs", type=int, default=20_000, help="runs of the history; each has ten steps")
    parser.add_argument("--folder", help="where the servers' files go meanwhile: a million runs need 15 GB")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return options


def _measure(options: argparse.Namespace) -> None:
    django.setup()
    logging.getLogger().setLevel(logging.ERROR)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    results: list[Result] = []
    for part in options.parts or PARTS:
        measure: Callable[..., Iterable[Result]] = import_module(f"benchmarks.{part}").measure
        results += measure(options.runs) if part == "pages" else measure()
    print(table(results))
    write(results)


main()
