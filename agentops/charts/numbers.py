"""What a chart is made of: numbers checked, scaled, and written for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from agentops.tools.escape import visible

Number = float | int | Decimal

MAX_POINTS = 400
_MOST, _LEAST = 1e15, 1e-12
"""What can be drawn; below the least, a number counts as none."""


def checked(labels: Sequence[str], values: Sequence[Number | None]) -> list[float | None]:
    if len(labels) != len(values):
        raise ValueError(f"There are {len(labels)} labels for {len(values)} values.")
    if not 0 < len(values) <= MAX_POINTS:
        raise ValueError(f"A chart has from 1 to {MAX_POINTS} values, not {len(values)}.")
    numbers = [None if value is None else float(value) for value in values]
    if all(value is None for value in numbers):
        raise ValueError("A chart needs at least one number.")
    if any(value is not None and not abs(value) < _MOST for value in numbers):
        raise ValueError("A number is infinite, too large, or no number.")
    return numbers


def scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """The lowest, the highest, and round numbers between; from 0 unless that would hide the shape."""
    low, high = min(values), max(values)
    if max(abs(low), abs(high)) < _LEAST:
        low, high = 0.0, 1.0
    elif high - low < 1e-9 * max(abs(low), abs(high)):
        low, high = min(0.0, low), max(0.0, high)
    elif low > 0 and high - low > 0.25 * high:
        low = 0.0
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [step * number for number in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks


def describe(labels: Sequence[str], values: Sequence[float | None], unit: str) -> str:
    """Every number where they are few; else where it starts, ends, and its extremes."""
    known = [(label, value) for label, value in zip(labels, values, strict=True) if value is not None]
    if len(known) > 12:
        low, high = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])
        known = [known[0], low, high, known[-1]]
        words = [_("first {0}"), _("lowest {0}"), _("highest {0}"), _("last {0}")]
        return "; ".join(
            word.format(said(label, value, unit)) for word, (label, value) in zip(words, known, strict=True)
        )
    return "; ".join(said(label, value, unit) for label, value in known)


def clip(text: str, limit: int) -> str:
    """One visible line of at most `limit` characters."""
    return visible(text if len(text) <= limit else f"{text[: limit - 1]}…")


def said(label: str, value: float, unit: str) -> str:
    return f"{clip(label, 80)}: {exact(value, unit)}{' ' + visible(unit) if unit else ''}"


def exact(value: float | None, unit: str = "") -> str:
    """Two decimals at most, and both for money (USD)."""
    if value is None:
        return "–"
    text = f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"
    return text.removesuffix(".00") if unit.isupper() or "." not in text else text.rstrip("0").rstrip(".")


def brief(value: float) -> str:
    """For an axis: 12.5k."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
