"""Which workers live, by the signs of life that they keep in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings

from . import channels
from .control import ALIVE_SECONDS

PATIENCE = 0.25
"""Seconds for connecting, and for an answer: pages wait for this."""

OVERDUE_SECONDS = ALIVE_SECONDS * 0.6


@dataclass(frozen=True, slots=True)
class Living:
    """One worker process, as it last said of itself, `seconds_ago`. One of before these words says less."""

    name: str
    seconds_ago: float
    active: int
    version: str = ""
    protocol: int = 1
    host: str = ""
    pid: int = 0
    slots: int = 0
    draining: bool = False
    started_at: datetime | None = None
    lag_ms: float | None = None
    memory_bytes: int | None = None

    @property
    def overdue(self) -> bool:
        """It should have shown a sign of life, and is not given up yet."""
        return self.seconds_ago > OVERDUE_SECONDS


def look() -> list[Living] | None:
    """By name. None: Redis does not answer."""
    prefix = channels.worker_key("")
    client = redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
    try:
        keys = sorted(client.scan_iter(match=f"{prefix}*", count=1000))
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.get(key).pttl(key)
        answers = pipe.execute()
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
    said = zip(keys, answers[::2], answers[1::2], strict=True)
    return [_read(key.removeprefix(prefix), text, left) for key, text, left in said if text is not None]


def protocol(living: Iterable[Living]) -> int | None:
    """The newest that a worker which takes runs can carry. None: no worker takes any."""
    return max((one.protocol for one in living if not one.draining), default=None)


def _read(name: str, text: str, left_ms: int) -> Living:
    seconds_ago = max(0.0, ALIVE_SECONDS - max(left_ms, 0) / 1000)
    try:
        said: Any = json.loads(text)
        if not isinstance(said, dict):
            return Living(name, seconds_ago, int(said))
        return Living(
            name,
            seconds_ago,
            int(said["active"]),
            str(said["version"]),
            int(said["protocol"]),
            str(said["host"]),
            int(said["pid"]),
            int(said["slots"]),
            bool(said["draining"]),
            datetime.fromisoformat(said["started_at"]),
            float(said["lag_ms"]),
            int(said["memory_bytes"]),
        )
    except (ValueError, KeyError, TypeError):
        # Of a version that says it otherwise: it lives, and more is not known.
        return Living(name, seconds_ago, 0)
