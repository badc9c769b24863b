"""What happened in the world: one file that only grows, outside every database, written by the tools alone.

A line is one write, on disk before the tool goes on. `begun` and `ended` say who was at it, so that whoever is asked
about a call in doubt knows when its worker can do nothing more.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Line:
    event: str
    """begun, did (the effect) or ended."""
    call: str
    tool: str
    arguments: dict[str, Any]
    pid: int
    at: float
    """By the machine's clock, whatever the worker takes for the time."""


class Ledger:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._lines: dict[str, list[Line]] = {}
        """By call."""
        self._reading = threading.Lock()

    @contextmanager
    def at_work(self, call: str, tool: str, arguments: dict[str, Any]) -> Iterator[Any]:
        """A tool's time with a call; it calls what it is given when the effect happens."""
        about = {"call": call, "tool": tool, "arguments": arguments, "pid": os.getpid()}
        self._write("begun", about)
        try:
            yield lambda: self._write("did", about)
        finally:
            self._write("ended", about)

    def lines(self) -> dict[str, list[Line]]:
        """All so far, by call; the file is read on from where the last look ended."""
        with self._reading:
            if self._path.exists():
                with self._path.open("rb") as file:
                    file.seek(self._read)
                    new = file.read()
                whole = new[: new.rfind(b"\n") + 1]
                self._read += len(whole)
                for line in whole.splitlines():
                    read = Line(**json.loads(line))
                    self._lines.setdefault(read.call, []).append(read)
            return self._lines

    def effects(self) -> dict[str, list[Line]]:
        """What happened, by call."""
        return {call: did for call, lines in self.lines().items() if (did := _did(lines))}

    def happened(self, call: str) -> bool:
        return bool(_did(self.lines().get(call, ())))

    def at_it(self, call: str) -> bool:
        """Whether a living process has begun the call and not ended: nobody can know yet what will have happened."""
        lines = self.lines().get(call, ())
        begun = [line for line in lines if line.event == "begun"]
        left = Counter(line.pid for line in begun) - Counter(line.pid for line in lines if line.event == "ended")
        return any(left[line.pid] and _lives(line) for line in begun)

    def _write(self, event: str, about: dict[str, Any]) -> None:
        line = json.dumps({"event": event, **about, "at": time.clock_gettime(time.CLOCK_REALTIME)}) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
            if event == "did":
                os.fsync(handle)
        finally:
            os.close(handle)


def _did(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.event == "did"]


def _lives(line: Line) -> bool:
    """Whether the process that wrote it is there still, and not another one under its number."""
    try:
        return psutil.Process(line.pid).create_time() < line.at
    except psutil.NoSuchProcess:
        return False
