"""How everybody is measured: rounds of runs; the median round's steps a second and WAL a step, CPU over all rounds.

A peer gets {dsn, tasks: [{steps, at_once, rounds}]} as its last argument and prints a line of JSON: a figure a task.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg

CarryOut = Callable[[int, int], Any]
"""So many runs at once of so many steps each, to their ends."""


def given() -> dict[str, Any]:
    return dict(json.loads(sys.argv[-1]))


def say(dsn: str, tasks: list[dict[str, int]], carry_out: CarryOut) -> None:
    print(json.dumps([figures(dsn, carry_out, **task) for task in tasks]), flush=True)


def figures(dsn: str, carry_out: CarryOut, steps: int, at_once: int, rounds: int) -> dict[str, float]:
    carry_out(at_once, steps if at_once == 1 else min(steps, 10))  # to warm up
    taken = at_once * steps
    rates, written = [], []
    with psycopg.connect(dsn, autocommit=True) as connection:
        cpu = time.process_time()
        for _ in range(rounds):
            wal, begin = _wal(connection), time.perf_counter()
            carry_out(at_once, steps)
            rates.append(taken / (time.perf_counter() - begin))
            written.append((_wal(connection) - wal) / taken)
        return {
            "steps_a_second": statistics.median(rates),
            "cpu_ms": (time.process_time() - cpu) * 1000 / taken / rounds,
            # The median round has no vacuum and no first touch of a page since a checkpoint.
            "wal_bytes": statistics.median(written),
        }


def _wal(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0
