"""One log line when Redis is lost and one when it is back, instead of one a message."""

from __future__ import annotations

import time

import structlog

log = structlog.get_logger(__name__)

REMINDER = 60.0
"""Seconds after which a lasting outage is mentioned again."""


class Outage:
    """Not locked: in a race of threads a line is written twice."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said_at: float | None = None

    def failed(self, error: BaseException) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at > REMINDER:
            log.warning("Redis is out of reach", what=self._what, error=str(error))
            self._said_at = now

    def over(self) -> None:
        if self._said_at is not None:
            log.info("Redis is back", what=self._what)
            self._said_at = None
