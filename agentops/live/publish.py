"""Say what was committed: from any thread, after the commit. A dead Redis costs a moment, no error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Literal
from uuid import UUID

import redis

from . import channels, connections, frames, messages
from .batch import Batch
from .outage import Outage

REST = 1.0
"""Seconds without another try after a failure, so that a hung Redis does not slow every request."""

_client = cache(connections.for_threads)
_outage = Outage("announcing changes")
_rest_until = 0.0


def announce(run_id: UUID | str, team_id: int, events: Sequence[Mapping[str, Any]]) -> None:
    """Push a run's events (`seq`, `kind`, `data`). `run.changed` also tells the team's list of runs."""
    batch = Batch()
    if events:
        messages.publish_frames(batch, run_id, messages.event_texts(events))
    if messages.shows_in_list(events):
        messages.publish_change(batch, team_id, "runs", [run_id])
    _send(batch)


def team_changed(team_id: int, what: Literal["approvals", "runs"], ids: Sequence[Any]) -> None:
    batch = Batch()
    messages.publish_change(batch, team_id, what, ids)
    _send(batch)


def access_changed(users: Collection[int], **_: Any) -> None:
    """Receives the signal of this name: sockets of these people look again whether they may stay."""
    batch = Batch()
    batch.publish(channels.ACCESS, json.dumps(sorted(users)))
    _send(batch)


def tell_workers(run_id: UUID | str, order: Literal["cancel", "pause"]) -> None:
    batch = Batch()
    batch.publish(channels.CONTROL, frames.dump({"run": str(run_id), "order": order}))
    _send(batch)


def list_version(team_ids: Sequence[int], names: Sequence[str] = channels.LISTS) -> int | None:
    """What a page renders beside a list for its socket to compare. None: Redis is out of reach."""
    keys = [channels.version_key(team, name) for team in team_ids for name in names]
    values = _ask(lambda client: client.mget(keys)) if keys else []
    return None if values is None else sum(int(value or 0) for value in values)


def _send(batch: Batch) -> None:
    if batch:
        _ask(lambda client: client.eval(*batch.arguments))


def _ask(what: Callable[[redis.Redis], Any]) -> Any:
    """None when Redis is out of reach."""
    global _rest_until
    if time.monotonic() < _rest_until:
        return None
    try:
        answer = what(_client())
    except (redis.RedisError, OSError) as error:
        _rest_until = time.monotonic() + REST
        _outage.failed(error)
        return None
    _outage.over()
    return answer
