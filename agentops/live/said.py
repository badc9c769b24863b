"""What the open step of a run has said so far, kept in Redis for whoever comes in the middle.

A list of the very lines that were published; a new step, another try and the answer clear it. It may be lost.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from .batch import Batch
from .frames import Frame

LONGEST = 2000
"""Pieces that are kept: beyond, the first are forgotten."""
TRIM_EVERY = 4096
"""Characters of a step after which the list is cut to its length and its life renewed."""
LIFE = 900
"""Seconds after the last piece, should nobody clear it."""


def key(run_id: UUID | str) -> str:
    return f"said:{run_id}"


def clears(kind: str) -> bool:
    """Whether after this event the step's text begins anew or is in the database."""
    return kind.startswith("step.")


def clear(batch: Batch, run_id: UUID | str) -> None:
    batch.delete(key(run_id))


def keep(batch: Batch, run_id: UUID | str, line: str, begin: int, end: int) -> None:
    """Of one piece: its line, and where in the step's text it begins and ends."""
    batch.rpush(key(run_id), line)
    if begin == 0 or begin // TRIM_EVERY != end // TRIM_EVERY:
        batch.ltrim(key(run_id), -LONGEST, -1)
        batch.expire(key(run_id), LIFE)


async def read(client: Any, run_id: UUID | str) -> list[Frame]:
    return [Frame(line) for line in await client.lrange(key(run_id), 0, -1)]
