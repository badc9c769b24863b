"""One stack per data directory: a living one is respected, what a killed one left behind is ended."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from .embedded import give_to_owner_of
from .errors import CannotStart


@contextmanager
def only_one(data_dir: Path, address: str) -> Iterator[None]:
    """Hold the data directory. The kernel lets go of it however this process ends."""
    handle = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, where = lock.read().strip().partition(" ")
            raise CannotStart(
                f"AgentOps already runs from {data_dir}, at {where} (process {pid}). Stop it with ctrl-C "
                f"or `kill {pid}`, or give this one a directory of its own with AGENTOPS_DATA_DIR."
            ) from None
        give_to_owner_of(data_dir, data_dir / "lock")
        lock.truncate(0)
        lock.write(f"{os.getpid()} {address}\n")
        lock.flush()
        yield


class Children:
    """The processes that run, on disk with their start times: an id alone may by now be somebody else's."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "children.json"
        self._running: dict[int, float] = {}

    def end_leftovers(self) -> int:
        """Stop what a killed predecessor left running; how many there were."""
        try:
            recorded = json.loads(self._path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        leftovers = [p for pid, started in recorded if (p := _same_process(pid, started))]
        for process in leftovers:
            _signal(process, signal.SIGTERM)
        _, stubborn = psutil.wait_procs(leftovers, timeout=5)
        for process in stubborn:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(stubborn, timeout=5)
        return len(leftovers)

    def add(self, pid: int) -> None:
        try:
            self._running[pid] = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        self._write()

    def remove(self, pid: int) -> None:
        if self._running.pop(pid, None) is not None:
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(list(self._running.items())))
        draft.replace(self._path)


def _same_process(pid: int, started: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - started) < 1 else None
    except psutil.NoSuchProcess:
        return None


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
