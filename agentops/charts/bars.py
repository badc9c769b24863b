"""Bars: rows for names, columns for days."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .frame import LEFT, WIDTH, axis, coordinate, grid, height_of, svg
from .numbers import Number, checked, clip, describe, exact, said, scale

_ROW = 38
"""Pixels a row."""
_SHORT = 7
"""Characters of a label that fits under its column."""
_MOST_ROWS = 24


def bar(title: str, labels: Sequence[str], values: Sequence[Number], *, unit: str = "") -> SafeString:
    """Rows for names, columns for days and other short labels. Raises ValueError for what cannot be drawn."""
    numbers = checked(labels, values)
    if any(value is None for value in numbers):
        raise ValueError("Every bar needs a number.")
    heights = [value or 0.0 for value in numbers]
    short = all(len(label) <= _SHORT for label in labels)
    if len(labels) > _MOST_ROWS or (short and len(labels) > 1):
        return _columns(title, labels, heights, unit)
    return _rows(title, labels, heights, unit)


def _columns(title: str, labels: Sequence[str], values: Sequence[float], unit: str) -> SafeString:
    low, high, ticks = scale([*values, 0.0])
    band = WIDTH / len(values)
    zero = height_of(0.0, low, high)
    places = [LEFT + band * (at + 0.5) for at in range(len(values))]
    bars = format_html_join(
        "",
        '<rect class="plot-bar" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title></rect>',
        (
            (
                coordinate(place - band * 0.36),
                coordinate(min(zero, y := height_of(value, low, high))),
                coordinate(band * 0.72),
                coordinate(max(abs(zero - y), 1.0 if value else 0.0)),
                said(label, value, unit),
            )
            for place, label, value in zip(places, labels, values, strict=True)
        ),
    )
    return svg(title, describe(labels, values, unit), [grid(ticks, low, high), bars, axis(labels, places)])


def _rows(title: str, labels: Sequence[str], values: Sequence[float], unit: str) -> SafeString:
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    zero = 100 * -low / span
    drawn = []
    for at, (label, value) in enumerate(zip(labels, values, strict=True)):
        end = 100 * (value - low) / span
        left, width = min(zero, end), max(abs(end - zero), 0.4) if value else 0.0
        text_y, bar_y = at * _ROW + 14, at * _ROW + 21
        drawn.append(
            format_html(
                '<text class="plot-name" x="0" y="{}">{}</text>'
                '<text class="plot-value" x="100%" y="{}" text-anchor="end">{}</text>'
                '<rect class="plot-rest" x="0" y="{}" width="100%" height="8"/>'
                '<rect class="plot-bar" x="{}%" y="{}" width="{}%" height="8"><title>{}</title></rect>',
                text_y, clip(label, 34), text_y, exact(value, unit),
                bar_y, coordinate(left), bar_y, coordinate(width), said(label, value, unit),
            )
        )  # fmt: skip
    return svg(title, describe(labels, values, unit), drawn, height=len(values) * _ROW)
