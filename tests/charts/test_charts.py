"""Charts draw any numbers, say them in words, and stay harmless whatever they are called."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops import charts

HOSTILE = '"><script>alert(1)</script>\u202e</svg>'
DRAW = [charts.bar, charts.line]

numbers = st.floats(-1e14, 1e14)
series = st.lists(numbers, min_size=1, max_size=60)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # well-formed, or this raises


@pytest.mark.parametrize("draw", DRAW)
@given(values=series, label=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_numbers_are_drawn_within_the_frame(draw: Any, values: list[float], label: str) -> None:
    svg = draw("Title", [f"{label}{at}" for at in range(len(values))], values)
    height = float(parsed(svg).attrib["height"])
    for across in re.findall(r'\b(?:x|cx|width)="([-\d.]+)%"', svg):
        assert -0.01 <= float(across) <= 100.01
    for down in re.findall(r'\b(?:y|cy|y1)="([-\d.]+)"', svg):
        assert -1 <= float(down) <= height + 1


@pytest.mark.parametrize("draw", DRAW)
def test_what_it_shows_is_said_in_words(draw: Any) -> None:
    svg = parsed(draw("Orders", ["Mon", "Tue"], [3, 1250.5], unit="USD"))
    assert svg.attrib["role"] == "img"
    assert svg.findtext("title") == "Orders"
    assert svg.findtext("desc") == "Mon: 3 USD; Tue: 1,250.50 USD"


def test_many_values_are_summed_up() -> None:
    words = parsed(charts.line("Orders", [f"d{at}" for at in range(30)], [5, *range(29)])).findtext("desc")
    assert words == "first d0: 5; lowest d1: 0; highest d29: 28; last d29: 28"


@pytest.mark.parametrize("draw", DRAW)
def test_hostile_words_stay_words(draw: Any) -> None:
    html = charts.figure(draw(HOSTILE, [HOSTILE], [1], unit=HOSTILE), HOSTILE, [HOSTILE], [1], unit=HOSTILE)
    assert "<script" not in html
    assert "\u202e" not in html
    assert html.count("</svg>") == html.count("<svg")
    assert "style=" not in html


def test_the_table_has_every_number() -> None:
    table = charts.figure(charts.line("a", ["x", "y"], [1, None]), "a", ["x", "y"], [1, None])
    assert re.findall(r"<td>(.*?)</td>", table) == ["1", "–"]


def test_a_gap_splits_the_line() -> None:
    assert charts.line("a", list("abcd"), [1, None, 2, 3]).count("<polyline") == 2


def test_names_get_rows_and_days_get_columns() -> None:
    assert "plot-name" in charts.bar("a", ["Noise-cancelling headphones", "Lamp"], [1, 2])
    assert "plot-name" not in charts.bar("a", ["Mon", "Tue"], [1, 2])


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        ([], []),
        (["a"], []),
        (["a"], [float("nan")]),
        (["a"], [float("inf")]),
        (["a"] * 401, [1] * 401),
        (["a"], [None]),
    ],
)
@pytest.mark.parametrize("draw", DRAW)
def test_what_cannot_be_drawn_is_refused(draw: Any, labels: list[str], values: list[float]) -> None:
    with pytest.raises(ValueError):
        draw("a", labels, values)


@given(st.lists(st.none() | numbers, min_size=1, max_size=40).filter(lambda row: any(v is not None for v in row)))
def test_a_line_with_gaps_is_drawn(values: list[float | None]) -> None:
    drawn = charts.line("p95", [str(at) for at in range(len(values))], values)
    assert drawn.count("<circle") == sum(value is not None for value in values)
