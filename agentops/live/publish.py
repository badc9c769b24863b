"""Say what was committed: from any thread, after the commit. A dead Redis costs a moment, no error."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Literal
from uuid import UUID

import redis

from . import channels, connections, frames, messages
from .outage import Outage

REST = 1.0
"""Seconds without another try after a failure, so that a hung Redis does not slow every request."""

_client = cache(connections.for_threads)
_outage = Outage("announcing changes")
_rest_until = 0.0


def announce(run_id: UUID | str, team_id: int, events: Sequence[Mapping[str, Any]]) -> None:
    """Push a run's events (`seq`, `kind`, `data`). `run.changed` also tells the team's list of runs."""
    pipe = _client().pipeline(transaction=False)
    if events:
        messages.publish_frames(pipe, run_id, messages.event_texts(events))
    if messages.shows_in_list(events):
        messages.publish_change(pipe, team_id, "runs", [run_id])
    _send(pipe)


def team_changed(team_id: int, what: Literal["approvals", "runs"], ids: Sequence[Any]) -> None:
    pipe = _client().pipeline(transaction=False)
    messages.publish_change(pipe, team_id, what, ids)
    _send(pipe)


def access_changed(users: Collection[int], **_: Any) -> None:
    """Receives the signal of this name: sockets of these people look again whether they may stay."""
    pipe = _client().pipeline(transaction=False)
    pipe.publish(channels.ACCESS, json.dumps(sorted(users)))
    _send(pipe)


def tell_workers(run_id: UUID | str, order: Literal["cancel", "pause"]) -> None:
    pipe = _client().pipeline(transaction=False)
    pipe.publish(channels.CONTROL, frames.dump({"run": str(run_id), "order": order}))
    _send(pipe)


def list_version(team_ids: Sequence[int], names: Sequence[str] = channels.LISTS) -> int | None:
    """What a page renders beside a list for its socket to compare. None: Redis is out of reach."""
    keys = [channels.version_key(team, name) for team in team_ids for name in names]
    pipe = _client().pipeline(transaction=False)
    if keys:
        pipe.mget(keys)
    answers = _send(pipe)
    if answers is None:
        return None
    return sum(int(value or 0) for value in answers[0]) if answers else 0


def _send(pipe: Any) -> list[Any] | None:
    global _rest_until
    if time.monotonic() < _rest_until:
        return None
    try:
        answers: list[Any] = pipe.execute()
    except (redis.RedisError, OSError) as error:
        _rest_until = time.monotonic() + REST
        _outage.failed(error)
        return None
    _outage.over()
    return answers
