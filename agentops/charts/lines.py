"""A line with its points; what is missing leaves a gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .frame import BOTTOM, LEFT, TOP, WIDTH, axis, coordinate, grid, height_of, svg
from .numbers import Number, checked, describe, said, scale


def line(title: str, labels: Sequence[str], values: Sequence[Number | None], *, unit: str = "") -> SafeString:
    """A line with its points; None leaves a gap. Raises ValueError for what cannot be drawn."""
    numbers = checked(labels, values)
    low, high, ticks = scale([value for value in numbers if value is not None])
    span = max(1, len(numbers) - 1)
    across = [100 * at / span if len(numbers) > 1 else 50.0 for at in range(len(numbers))]
    paths = format_html_join(
        "",
        '<polyline class="plot-line" points="{}"/>',
        ((_points(run, low, high),) for run in _runs(across, numbers)),
    )
    plot = format_html(
        '<svg class="plot-area" x="{}%" y="{}" width="{}%" height="{}" viewBox="0 0 100 100" '
        'preserveAspectRatio="none">{}</svg>',
        LEFT, TOP, WIDTH, BOTTOM - TOP, paths,
    )  # fmt: skip
    places = [LEFT + WIDTH * at / 100 for at in across]
    dots = format_html_join(
        "",
        '<circle class="plot-dot" cx="{}%" cy="{}" r="{}"><title>{}</title></circle>',
        (
            (
                coordinate(x),
                coordinate(height_of(value, low, high)),
                "3" if len(numbers) <= 40 else "1.5",
                said(label, value, unit),
            )
            for x, label, value in zip(places, labels, numbers, strict=True)
            if value is not None
        ),
    )
    body = [grid(ticks, low, high), plot, dots, axis(labels, places)]
    return svg(title, describe(labels, numbers, unit), body)


def _runs(across: Sequence[float], values: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    """The stretches without a gap."""
    run: list[tuple[float, float]] = []
    for x, value in zip(across, values, strict=True):
        if value is not None:
            run.append((x, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _points(run: Sequence[tuple[float, float]], low: float, high: float) -> str:
    return " ".join(
        f"{coordinate(x)},{coordinate(100 - 100 * (value - low) / ((high - low) or 1.0))}" for x, value in run
    )
