"""A process's clock as its settings bend it: the file `FAULTS_CLOCKS/<its pid>` holds the seconds it is wrong by.

Only what a wrong clock of a machine would change: the time of day. The monotonic clock goes on as it does there.
"""

from __future__ import annotations

import datetime
import os
import threading
import time
from pathlib import Path
from typing import Any

from django.utils import timezone

_wrong_by = 0.0
_right = time.time
_Real = datetime.datetime


class _Kind(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _Real)


class _Bent(_Real, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _Real.fromtimestamp(_right() + _wrong_by, tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)


def bend() -> None:
    """Called before the application is imported, so that everything of ours takes the time from here."""
    path = Path(os.environ["FAULTS_CLOCKS"]) / str(os.getpid())
    time.time = lambda: _right() + _wrong_by
    time.time_ns = lambda: int(time.time() * 1e9)
    datetime.datetime = timezone.datetime = _Bent  # type: ignore[attr-defined, misc]
    threading.Thread(target=_follow, args=[path], name="clock", daemon=True).start()


def _follow(path: Path) -> None:
    global _wrong_by
    while True:
        if path.exists():
            _wrong_by = float(path.read_text() or 0)
        time.sleep(0.1)
