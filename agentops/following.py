"""What happens in a run, as it happens: events from the database, streamed text from Redis while there is one."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError, connection

from agentops.live import channels, connections
from runs.models import Run

LOOK_AGAIN_SECONDS = 0.5
"""Between two looks into the database when nothing is announced."""


def happenings(run_id: UUID) -> Iterator[dict[str, Any]]:
    """Every event in order, and pieces of text as they come, until the end: objects with a `type`, event or delta."""
    seen = 0
    with _Announced(run_id) as announced:
        while True:
            try:
                run = Run.objects.get(pk=run_id)
                events = list(run.events.filter(seq__gt=seen, seq__lte=run.seq).order_by("seq"))
                connection.close()  # a run may wait for days
            except (OperationalError, InterfaceError):
                # The stack is being restarted; the run goes on where it was.
                connection.close()
                time.sleep(LOOK_AGAIN_SECONDS)
                continue
            for event in events:
                seen = event.seq
                at = event.at.isoformat()
                yield {"type": "event", "seq": event.seq, "kind": event.kind, "at": at, "data": event.data}
            if run.is_final:
                return
            yield from announced.until_an_event(LOOK_AGAIN_SECONDS)


class _Announced:
    """The run's channel. Whatever it brings is only sooner, never more, than what the database has."""

    def __init__(self, run_id: UUID) -> None:
        self._channel = channels.of_run(run_id)
        self._client = connections.for_threads()
        self._pubsub = self._client.pubsub()
        self._subscribed = False
        self._frames: deque[dict[str, Any]] = deque()
        """Of the last message: what a step says often comes in one with the step's event, and is told after it."""

    def __enter__(self) -> _Announced:
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()
        self._client.close()

    def until_an_event(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Streamed pieces, until something was committed or the time is up."""
        until = time.monotonic() + seconds
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.get("type") == "event":
                    return
                if frame.get("type") == "delta":
                    yield frame
            if (left := until - time.monotonic()) <= 0:
                return
            self._frames.extend(self._next(left))

    def _next(self, seconds: float) -> list[dict[str, Any]]:
        try:
            if not self._subscribed:
                self._pubsub.subscribe(self._channel)
                self._subscribed = True
            message = self._pubsub.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except (redis.RedisError, OSError):
            self._subscribed = False
            time.sleep(seconds)
            return []
        return [json.loads(line) for line in message["data"].split("\n") if line] if message else []
