"""What travels through Redis: frames of runs, ready to be passed on, and changes of lists, numbered there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from . import channels, frames
from .batch import Batch

RUN_CHANGED = "run.changed"
"""The kind of event that shows in the team's list of runs."""


def publish_frames(batch: Batch, run_id: UUID | str, texts: Iterable[str]) -> None:
    batch.publish(channels.of_run(run_id), "\n".join(texts))


def publish_change(batch: Batch, team_id: int, name: str, ids: Sequence[Any]) -> None:
    body = frames.dump({"list": name, "ids": [str(each) for each in ids]})
    key = channels.version_key(team_id, name)
    batch.publish_numbered(key, channels.of_team(team_id), body)


def read_change(message: str) -> tuple[int, str, list[str]]:
    """Version, list and ids. Raises ValueError or KeyError for anything else."""
    version, _, body = message.partition(" ")
    content = json.loads(body)
    return int(version), content["list"], content["ids"]


def read_people(message: str) -> frozenset[int]:
    """Ids of people. Raises ValueError or TypeError for anything else."""
    return frozenset(int(each) for each in json.loads(message))


def event_texts(events: Iterable[Mapping[str, Any]]) -> list[str]:
    return [frames.event_text(each["seq"], each["kind"], each["data"]) for each in events]


def shows_in_list(events: Iterable[Mapping[str, Any]]) -> bool:
    return any(each["kind"] == RUN_CHANGED for each in events)
