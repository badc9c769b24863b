"""Whether Redis answers and a worker lives, asked at most every five seconds a process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import redis
from django.conf import settings

FRESH = 5.0
"""Seconds for which an answer is believed."""


@dataclass(frozen=True, slots=True)
class Vitals:
    redis_answers: bool
    worker_alive: bool


_lock = threading.Lock()
_known: tuple[float, Vitals] | None = None


def look() -> Vitals:
    """Never waits longer than a quarter of a second. Workers keep keys `worker:<name>` that expire by themselves."""
    global _known
    with _lock:
        if _known and time.monotonic() - _known[0] < FRESH:
            return _known[1]
        vitals = _ask()
        _known = time.monotonic(), vitals
        return vitals


def _ask() -> Vitals:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)
    try:
        return Vitals(True, next(client.scan_iter(match="worker:*", count=1000), None) is not None)
    except (redis.RedisError, OSError):
        return Vitals(False, False)
    finally:
        client.close()
