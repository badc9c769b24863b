"""Our own processes beside the one that measures: workers of the runs' queue, the simulator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
from django.conf import settings

from agentops.devstack import stack

PATIENCE_SECONDS = 60


@contextmanager
def workers(count: int, application: str = "benchmarks.worker", queue: str = "runs") -> Iterator[list[psutil.Process]]:
    """Their output goes to a file beside the servers'. They may still be starting when the block begins."""
    arguments = ["worker", "--pool=threads", "-c", "500", "-Q", queue, "--without-gossip", "--without-mingle"]
    log = settings.ENV.data_dir / "benchmark-workers.log"
    started = []
    try:
        for number in range(count):
            name = ["-n", f"bench{number}-{queue}@%h", "--loglevel", "WARNING"]
            command = [sys.executable, "-m", "celery", "-q", "-A", application, *arguments, *name]
            with log.open("ab") as output:
                started.append(subprocess.Popen(command, env=os.environ.copy(), stdout=output, stderr=output))
        yield [psutil.Process(process.pid) for process in started]
    finally:
        end(started)


@contextmanager
def simulator() -> Iterator[None]:
    service = stack.simulator(settings.ENV)
    options = service.popen_options()
    options["env"] = os.environ | options["env"]
    process = subprocess.Popen(**options)
    try:
        until(service.ready, "The simulator did not start.")
        yield
    finally:
        end([process])


def until(condition: Callable[[], bool], otherwise: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.01)


def end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))
