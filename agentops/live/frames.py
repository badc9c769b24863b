"""The frames that a browser receives. Each is serialised once, however many look on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Frame(NamedTuple):
    text: str
    seq: int | None = None
    """Of events and resyncs: a viewer who stands at `seq` has everything up to it."""
    resync: bool = False


dump = json.JSONEncoder(separators=(",", ":")).encode
"""One line of ASCII: newlines separate frames in Redis, and a lone surrogate stays an escape."""


def event_text(seq: int, kind: str, data: Mapping[str, Any]) -> str:
    return dump({"type": "event", "seq": seq, "kind": kind, "data": data})


def event(seq: int, kind: str, data: Mapping[str, Any]) -> Frame:
    return Frame(event_text(seq, kind, data), seq)


def delta_text(step: int, kind: str, text: str, tool: str, at: int) -> str:
    """`at`: where in all that this try of the step says the piece begins, so that none is shown twice."""
    return dump({"type": "delta", "step": step, "kind": kind, "text": text, "tool": tool, "at": at})


def length(text: str) -> int:
    """In UTF-16 units, as browsers count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def resync(seq: int) -> Frame:
    """Fetch what you miss; from `seq` on it comes live again."""
    return Frame(dump({"type": "resync", "seq": seq}), seq, resync=True)


def heartbeat(seq: int) -> Frame:
    return Frame(dump({"type": "heartbeat", "seq": seq, "now": _now()}))


def list_changed(name: str, ids: Sequence[str], version: int) -> Frame:
    return Frame(dump({"type": "changed", "list": name, "ids": ids, "version": version}))


def list_resync(version: int) -> Frame:
    return Frame(dump({"type": "resync", "version": version}))


def list_heartbeat(version: int) -> Frame:
    return Frame(dump({"type": "heartbeat", "version": version, "now": _now()}))


def _now() -> int:
    """In milliseconds: a page corrects its countdowns by it."""
    return int(time.time() * 1000)


def status(live: bool) -> Frame:
    """Whether changes arrive at once. When not, events of a run still come with each heartbeat."""
    return Frame(dump({"type": "status", "live": live}))
