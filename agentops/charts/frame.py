"""The frame around a drawing: grid, labels, title and description."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agentops.tools.escape import visible

from .numbers import brief, clip

HEIGHT, TOP, BOTTOM = 196, 20, 172
"""Pixels. What lies across is in percent, so that a chart fills its place and its text keeps its size."""
LEFT, WIDTH = 13.0, 85.0
_LABELS = 5


def svg(title: str, description: str, body: Sequence[SafeString], height: int = HEIGHT) -> SafeString:
    inside = format_html_join("", "{}", ((part,) for part in body))
    return format_html(
        '<svg class="plot" role="img" width="100%" height="{}"><title>{}</title><desc>{}</desc>{}</svg>',
        height, visible(title), description, inside,
    )  # fmt: skip


def grid(ticks: Sequence[float], low: float, high: float) -> SafeString:
    return format_html_join(
        "",
        '<line class="plot-grid" x1="0" x2="100%" y1="{}" y2="{}"/><text class="plot-tick" x="0" y="{}">{}</text>',
        (
            (y := coordinate(height_of(tick, low, high)), y, coordinate(height_of(tick, low, high) - 4), brief(tick))
            for tick in ticks
        ),
    )


def axis(labels: Sequence[str], places: Sequence[float]) -> SafeString:
    """At most a handful of labels, evenly chosen, so that none runs into the next on a phone."""
    every = max(1, math.ceil(len(labels) / _LABELS))
    return format_html_join(
        "",
        '<text class="plot-tick" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (coordinate(places[at]), HEIGHT - 6, "end" if places[at] > 94 else "middle", clip(labels[at], 10))
            for at in range(0, len(labels), every)
        ),
    )


def height_of(value: float, low: float, high: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (value - low) / ((high - low) or 1.0)


def coordinate(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
