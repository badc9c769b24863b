"""Whether Redis answers and a worker lives, asked at most every five seconds a process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from agentops.live import roster

FRESH = 5.0
"""Seconds for which an answer is believed."""


@dataclass(frozen=True, slots=True)
class Vitals:
    redis_answers: bool
    worker_alive: bool
    protocol: int | None = None
    """The newest that a living worker can carry."""


_lock = threading.Lock()
_known: tuple[float, Vitals] | None = None


def look() -> Vitals:
    """Never waits longer than half a second."""
    global _known
    with _lock:
        if _known and time.monotonic() - _known[0] < FRESH:
            return _known[1]
        vitals = _ask()
        _known = time.monotonic(), vitals
        return vitals


def _ask() -> Vitals:
    living = roster.look()
    return Vitals(living is not None, bool(living), roster.protocol(living or []))
