"""One process of the stack: how it is started, when it counts as ready, and how it is stopped."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .account import Account

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    name: str
    argv: list[str]
    ready: Callable[[], bool] = never
    """Asked again and again until it is true. It must be quick and must not raise."""
    ready_line: re.Pattern[str] | None = None
    """A line of the process's own output that says it is ready, for those that cannot be asked."""
    stage: int = 2
    """Stopping goes downwards: 2 is what uses the servers, 1 the simulator, 0 the servers."""
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when the supervisor dies without a word (Linux)."""
    grace: float = 20.0
    """Seconds between `stop_signal` and SIGKILL."""
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None

    def popen_options(self) -> dict[str, Any]:
        """For subprocess.Popen in the main thread: the orphan signal follows the thread that forks."""
        return {
            "args": self.argv,
            "cwd": self.cwd,
            "env": {**os.environ, **self.env},
            "start_new_session": True,  # the terminal's ctrl-C reaches the supervisor only
            "preexec_fn": _die_with_parent(self.orphan_signal),
            **(self.account.popen_options if self.account else {}),
        }


def _die_with_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:
            os._exit(1)

    return in_child
