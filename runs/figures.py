"""How durations are counted by the hour, and what can be said from counts: shares, percentiles, medians."""

from __future__ import annotations

from collections.abc import Sequence

BOUNDS_MS = (
    5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000,
    20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000, 1_200_000, 1_800_000, 3_600_000,
)  # fmt: skip
"""Upper ends of the buckets; a last one takes what is longer."""
BUCKETS = len(BOUNDS_MS) + 1


def percentile(counts: Sequence[int], share: float) -> int | None:
    """Milliseconds below which `share` of what was counted lies, as if even within its bucket; None for nothing."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen = share * total, 0
    for number, count in enumerate(counts):
        if count and seen + count >= wanted:
            low = BOUNDS_MS[number - 1] if number else 0
            high = BOUNDS_MS[min(number, len(BOUNDS_MS) - 1)]
            return round(low + (high - low) * (wanted - seen) / count)
        seen += count
    return BOUNDS_MS[-1]


def add(*rows: Sequence[int]) -> list[int]:
    """Counts of several hours as one."""
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * BUCKETS


def percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
