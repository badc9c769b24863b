"""What the hub asks about runs, without knowing runs: where each stands, its events after a number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from .frames import Frame, event, resync

LONGEST_REPLAY = 500
"""Events. Who missed more fetches the page anew."""


@dataclass(frozen=True, slots=True)
class Past:
    """Read in this order: first where the run stands, then its events. None: there is no such run."""

    seq: int | None
    events: Sequence[tuple[int, str, dict[str, Any]]]


class History(Protocol):
    """Plain synchronous reads, called on a thread."""

    def positions(self, run_ids: Collection[UUID]) -> dict[UUID, int]: ...

    def after(self, run_id: UUID, seq: int, limit: int) -> Past: ...


class Gone(Exception):
    """The run was deleted."""


def replay(history: History, run_id: UUID, after: int) -> tuple[list[Frame], int]:
    """Frames that bring a viewer from `after` to the present, and where that is. Raises Gone."""
    past = history.after(run_id, after, LONGEST_REPLAY + 1)
    if past.seq is None:
        raise Gone
    if len(past.events) > LONGEST_REPLAY or after > past.seq:
        return [resync(past.seq)], past.seq
    frames = [event(*each) for each in past.events]
    return frames, past.events[-1][0] if past.events else after
