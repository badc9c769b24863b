"""python -m benchmarks [parts] [--runs N]: starts servers of its own, measures, prints a table, writes results.json.

`--table` writes the table in docs/performance.md anew, from results.json alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from . import document
from .result import Result, table, write

PARTS = ("durable_steps", "resume_latency", "streaming", "waiting", "gateway_call", "pages", "live")
BESIDE_PEERS = ("durable_steps", "resume_latency")


def main() -> None:
    from agentops import env
    from agentops.devstack import services

    options = _options()
    if options.table:
        document.rewrite()
        return
    for name in ("DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="agentops-bench-", dir=options.folder) as folder:
        Path(folder).chmod(0o711)
        os.environ["AGENTOPS_DATA_DIR"] = folder
        os.environ["AGENTOPS_GRACE_SECONDS"] = "0"
        os.environ["AGENTOPS_SIMULATOR_PORT"] = str(_free_port())
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
        embedded = env.load().embedded
        if embedded is None:
            raise SystemExit("The benchmarks run on embedded servers.")
        services.prepare(embedded, may_create_databases=True)
        with services.running(embedded):
            _measure(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; none: all")
    parser.add_argument("--runs", type=int, default=20_000, help="runs of the history; each has ten steps")
    parser.add_argument("--folder", help="where the servers' files go meanwhile: a million runs need 15 GB")
    parser.add_argument("--table", action="store_true", help="measure nothing: write docs/performance.md's table")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return options


def _measure(options: argparse.Namespace) -> None:
    django.setup()
    logging.getLogger().setLevel(logging.ERROR)
    from django.core.management import call_command

    from . import peering

    call_command("migrate", verbosity=0)
    parts = options.parts or PARTS
    with peering.installed(bool(set(parts) & set(BESIDE_PEERS))) as peers:
        for part in parts:
            begin = time.monotonic()
            results = list(_results(part, options, peers))
            print(table(results), f"\n{part} took {time.monotonic() - begin:.0f} s\n", flush=True)
            write(results)


def _results(part: str, options: argparse.Namespace, peers: Any) -> Iterable[Result]:
    measure: Callable[..., Iterable[Result]] = import_module(f"benchmarks.{part}").measure
    if part == "pages":
        return measure(options.runs)
    return measure(peers) if part in BESIDE_PEERS else measure()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


main()
