"""What agents write is shown as they meant it, tables and charts included, and can do nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.templatetags.console import prose


def fenced(value: Any, name: str = "chart") -> str:
    return prose(f"Before\n\n```{name}\n{value if isinstance(value, str) else json.dumps(value)}\n```\n\nAfter")


GOOD = {"type": "bar", "title": "Revenue", "unit": "USD", "labels": ["Lamp", "Mat"], "values": [1, 2.5]}


def test_a_chart_block_is_drawn_with_its_numbers_as_a_table() -> None:
    html = fenced(GOOD)
    assert "<svg" in html and "<title>Revenue</title>" in html and "Lamp: 1 USD; Mat: 2.50 USD" in html
    assert "<td>2.50</td>" in html
    assert "<p>Before</p>" in html and "<p>After</p>" in html
    assert "<polyline" in fenced({**GOOD, "type": "line"})


def test_decimals_may_come_as_text() -> None:
    assert "64.50" in fenced({**GOOD, "values": ["64.50", "1"]})


@pytest.mark.parametrize(
    "wrong",
    [
        "not json", "[]", "null", "[" * 5000, {}, {**GOOD, "type": "pie"}, {**GOOD, "type": ["bar"]},
        {**GOOD, "values": [1]}, {**GOOD, "values": ["a", "b"]}, {**GOOD, "values": [True, 1]},
        {**GOOD, "values": 3}, {**GOOD, "labels": "ab", "values": [1]}, {**GOOD, "labels": [], "values": []},
        '{"type":"bar","labels":["a"],"values":[NaN]}', '{"type":"bar","labels":["a"],"values":[1e999]}',
        {**GOOD, "labels": ["a"] * 500, "values": [1] * 500}, {**GOOD, "values": [[1], {}]},
    ],
)  # fmt: skip
def test_what_is_no_chart_stays_a_code_block(wrong: Any) -> None:
    html = fenced(wrong)
    assert "<svg" not in html
    assert "<pre><code" in html


def test_other_fences_are_code() -> None:
    assert "<svg" not in fenced(GOOD, name="json")
    assert "<svg" not in fenced(GOOD, name="charting")


def test_hostile_words_in_a_chart_do_nothing() -> None:
    bad = '</title></svg><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"'
    html = fenced({"type": "bar", "title": bad, "unit": bad, "labels": [bad, "b"], "values": [1, 2]})
    assert "<script" not in html and "<img" not in html and "\u202e" not in html
    assert html.count("</svg>") == html.count("<svg")


def test_tables_scroll_and_align_without_inline_style() -> None:
    html = prose("| a | b |\n|---|--:|\n| x | 1 |")
    assert '<div class="prose-table" role="group" tabindex="0"' in html
    assert '<td class="end">1</td>' in html
    assert "style=" not in html


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "![x](http://evil.example/p.png)", "<img src=x>", "[x](javascript:alert(1))",
     "<svg onload=alert(1)>", "| <b>x</b> |\n|---|\n| <i>y</i> |"],
)  # fmt: skip
def test_raw_html_images_and_script_links_are_text(text: str) -> None:
    html = prose(text)
    for tag in ("<script", "<img", "<svg", "<b>", "<i>", 'href="javascript'):
        assert tag not in html


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"type": st.sampled_from(["bar", "line"]), "labels": json_values, "values": json_values}))
def test_any_chart_is_drawn_or_left_as_code(value: Any) -> None:
    html = fenced(json.dumps(value))
    assert ("<svg" in html) != ("<pre><code" in html)


def test_a_number_that_no_float_holds_is_no_chart() -> None:
    block = '```chart\n{"type": "bar", "labels": ["a"], "values": [1' + "0" * 400 + "]}\n```"
    assert "<svg" not in prose(block)


@pytest.mark.parametrize("text", ["[a](" * 2_000, "_a__b" * 2_000, "**a*" * 2_000, "|" * 10_000])
def test_text_that_would_keep_the_parser_busy_is_shown_as_it_is(text: str) -> None:
    assert prose(text).startswith(f"<pre><code>{text[:40]}")
