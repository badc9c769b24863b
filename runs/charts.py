"""Charts as SVG from the server. Each says in words what it shows; a table with the numbers belongs beside it.

Bars and lines stretch with their frame, words stand around them in HTML: they stay readable on a phone. Nothing is
told by colour alone, and nothing is inline style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDE, HIGH = 100, 24
"""A sparkline's own units."""


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    value: float
    words: str
    """The value as people read it."""


def sparkline(values: Sequence[float | None], label: str, target: float | None = None) -> SafeString:
    """A line over equal steps of time; a gap where nothing was measured; the target dashed."""
    known = [value for value in values if value is not None]
    if not known:
        return SafeString()
    most = max([*known, target or 0]) or 1
    step = WIDE / max(len(values) - 1, 1)

    def height(value: float) -> float:
        return round(HIGH - 2 - value / most * (HIGH - 4), 2)

    lines: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append((round(number * step, 2), height(value)))
    paths = format_html_join("", '<path class="line" d="{}"/>', ((_path(line),) for line in lines if line))
    aim = format_html('<path class="target" d="M0 {0}H{1}"/>', height(target), WIDE) if target else ""
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>',
        WIDE, HIGH, label, aim, paths,
    )  # fmt: skip


def columns(points: Sequence[Point], label: str) -> SafeString:
    """One column for each point, from nought to the highest; its name and words on hover. Empty without points."""
    if not points:
        return SafeString()
    top = max(points, key=lambda point: point.value)
    most = top.value or 1
    bars = format_html_join(
        "",
        '<g><title>{}: {}</title><path class="hit" d="M{} 0h1v100h-1z"/>'
        '<path class="bar" d="M{} 100v-{}h.76v{}z"/></g>',
        (
            (point.name, point.words, at, round(at + 0.12, 2), height, height)
            for at, point in enumerate(points)
            for height in [round(point.value / most * 100, 2)]
        ),
    )
    ends = dict.fromkeys([points[0].name, points[len(points) // 2].name, points[-1].name])
    marks = format_html_join("", "<span>{}</span>", ((name,) for name in ends))
    return format_html(
        '<figure class="chart"><span class="chart-top quiet">{}</span>'
        '<svg viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="grid" d="M0 0h{}M0 50h{}M0 100h{}"/>{}</svg>'
        '<figcaption class="chart-marks quiet" aria-hidden="true">{}</figcaption></figure>',
        top.words, len(points), label, len(points), len(points), len(points), bars, marks,
    )  # fmt: skip


def bar(value: float, most: float) -> SafeString:
    """How long one row is beside the longest: decoration of a table whose cells have the numbers."""
    share = round(100 * value / most, 2) if most else 0
    return format_html(
        '<svg class="row-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="bar" d="M0 0h{0}v1h-{0}z"/></svg>',
        share,
    )


def share_bar(used: float, held: float, most: float, warn: float, forecast: float | None) -> SafeString:
    """A limit: what is spent, what is held behind it, marks for the warning and the forecast. Words say all of it."""
    whole = most or 1

    def at(value: float) -> float:
        return round(min(max(value, 0) / whole, 1) * 100, 2)

    marks = [("warn", at(warn)), *([("forecast", at(forecast))] if forecast is not None else [])]
    return format_html(
        '<svg class="share-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="ground" d="M0 0h100v10h-100z"/><path class="held" d="M0 0h{0}v10h-{0}z"/>'
        '<path class="bar" d="M0 0h{1}v10h-{1}z"/>{2}</svg>',
        at(used + held) if most else 100,
        at(used) if most else 100,
        format_html_join("", '<path class="{}" d="M{} 0v10"/>', marks),
    )


def _path(line: Sequence[tuple[float, float]]) -> str:
    """One point alone is a short dash, so that it can be seen."""
    if len(line) == 1:
        (x, y) = line[0]
        return f"M{max(x - 1, 0):g} {y:g}h2"
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in line)
