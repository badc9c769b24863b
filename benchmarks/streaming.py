"""1,000 runs at once on two worker processes, each streaming calls of 8 to 10 s from the simulator, everything on.

What a call is delayed by: from its step's row to its answer's, less what the script makes the simulator take. The
simulator is a process on the same machine; what it is late by counts against us.
"""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil

from agentops.simulator.turns import ToolCall, Turn
from runs.models import Run, Step
from runs.wake import hint

from . import processes, rows
from .result import Result

RUNS, WORKERS, STEPS = 1000, 2, 4
PIECES = 20
"""Of text in a call."""
SECONDS = (8.0, 10.0)
"""Of a call."""
WORDS = "What a model says while it thinks about the next number it will look at, in a few words. "


def measure(runs: int = RUNS, steps: int = STEPS, seconds: tuple[float, float] = SECONDS) -> Iterator[Result]:
    found = rows.agent("streaming", chain=["sim-1"])
    pace = [random.Random(number).uniform(*seconds) for number in range(runs)]
    with processes.simulator(), processes.workers(WORKERS, "benchmarks.gateway_worker") as workers:
        _go(rows.queue(found, WORKERS, script(1, 0)), 60)  # until both are there and warm
        queued = rows.queue(found, runs, [script(steps, each) for each in pace], due=False)
        begin, memory = processes.cpu_seconds(workers), _Memory(workers)
        with memory:
            _go(queued, 4 * steps * seconds[1] + 60, over=seconds[1])
        cpu = processes.cpu_seconds(workers) - begin
    took = sorted(_delays({run.pk: each for run, each in zip(queued, pace, strict=True)}))
    name = f"{runs:,} streaming runs on {WORKERS} workers"
    yield Result(f"{name}: added delay a call, p50", "ms", statistics.median(took), None, False)
    yield Result(f"{name}: added delay a call, p99", "ms", took[int(len(took) * 0.99) - 1], 250, False)
    yield Result(f"{name}: memory a process, most", "MB", memory.most / 2**20, 300, False)
    yield Result(f"{name}: CPU", "ms/step", cpu * 1000 / (runs * steps), 8, False)


def script(steps: int, seconds: float) -> str:
    """The goal of a run that looks `steps - 1` times and then answers; each call takes so long."""
    tools = [({"name": "bench_look", "input": {"number": number}},) for number in range(steps - 1)]
    return f"Look.\n```sim\n{json.dumps({'turns': [_turn(seconds, *each) for each in (*tools, ())]})}\n```"


def _turn(seconds: float, *tools: dict[str, Any]) -> dict[str, Any]:
    said = Turn(WORDS, tools=tuple(ToolCall(**tool) for tool in tools), deltas=PIECES)
    pieces = sum(len(list(said.pieces(text))) for text in (said.text, *(call.text for call in said.tools)))
    return {"text": WORDS, "tools": list(tools), "deltas": PIECES, "delay_ms": seconds * 1000 / pieces}


def _go(queued: list[Run], seconds: float, over: float = 0.0) -> None:
    """Start them evenly `over` so many seconds, and wait for their ends."""
    begin = time.monotonic()
    for number, run in enumerate(queued):
        time.sleep(max(0.0, begin + number * over / len(queued) - time.monotonic()))
        Run.objects.filter(pk=run.pk).update(wake_at=run.created_at)
        hint(run.pk)
    ids = [run.pk for run in queued]
    ended = Run.objects.filter(pk__in=ids, status=Run.Status.SUCCEEDED)

    def all_ended() -> bool:
        time.sleep(0.25)
        return ended.count() == len(ids)

    processes.until(all_ended, "The streaming runs did not end.", seconds)


def _delays(pace: dict[object, float]) -> Iterator[float]:
    for step in Step.objects.filter(run_id__in=pace.keys()).only("run_id", "opened_at", "answered_at").iterator():
        took = (step.answered_at - step.opened_at).total_seconds() * 1000
        yield took - pace[step.run_id] * 1000


class _Memory(threading.Thread):
    """Looks every half second at how much the largest of them holds."""

    def __init__(self, watched: list[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._watched, self._over = watched, threading.Event()

    def __enter__(self) -> _Memory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.5):
            self.most = max(self.most, *(process.memory_info().rss for process in self._watched))
