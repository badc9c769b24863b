"""Which fault comes when, after what pause, on whom and for how long: one seed, one schedule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = {
    "kill worker": 5.0,
    "kill sweeper": 1.0,
    "kill beat": 1.0,
    "kill web": 1.5,
    "kill valkey": 1.5,
    "kill postgres": 1.0,
    "kill backend": 1.0,
    "restart worker": 2.0,
    "stop worker": 4.0,
    "stop sweeper": 0.5,
    "cut database": 2.0,
    "cut valkey": 1.0,
    "wrong clock": 2.0,
    "lock runs": 1.5,
    "lock accounts": 1.5,
}
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Fault:
    pause: float
    """Seconds after the one before."""
    kind: str
    seconds: float
    """How long it lasts, where it lasts: longer than a worker's lease, about."""
    jump: float
    """By how many seconds a clock goes wrong."""
    lot: int
    """Which of those that may be struck."""

    def __str__(self) -> str:
        return f"{self.kind} (after {self.pause:.2f} s, for {self.seconds:.1f} s, {self.jump:+.0f} s, lot {self.lot})"


TAKES_RUNS = frozenset(
    {"kill worker", "stop worker", "kill postgres", "kill backend", "cut database", "lock runs", "lock accounts"}
)
"""Faults by which a worker can lose its runs."""


def faults(seed: int, count: int, pace: float = 1.0) -> Iterator[Fault]:
    """The first ones are one of each kind; `pace`: how many times as quickly one follows
    another and passes."""
    random_ = random.Random(f"faults {seed}")
    once_each = random_.sample(list(KINDS), len(KINDS))
    for number in range(count):
        drawn = random_.choices(list(KINDS), list(KINDS.values()))[0]
        yield Fault(
            pause=random_.uniform(0.3, 2.0) / pace,
            kind=once_each[number] if number < len(once_each) else drawn,
            seconds=1.0 + random_.uniform(0.0, 4.0) / pace,
            jump=random_.choice([-26 * HOUR, -2 * HOUR, -30.0, 0.0, 0.0, 30.0, 2 * HOUR, 26 * HOUR]),
            lot=random_.randrange(1000),
        )
