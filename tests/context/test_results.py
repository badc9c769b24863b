"""A large result is a preview that names itself; any other is itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.context.results import LARGE, preview
from agentops.core.tools import ToolResult

ROWS = [{"id": number, "item": "a pen"} for number in range(1_000)]


def test_a_small_result_is_itself() -> None:
    result = ToolResult("ok", data=ROWS[:20], ref="1.1")
    assert preview(result) is result


def test_without_a_reference_nothing_is_held_back() -> None:
    result = ToolResult("ok", data=ROWS)
    assert preview(result) is result


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (ROWS, "1,000 items with id, item"),
        ("line\n" * 5_000, "text of 25,000 characters in 5,001 lines"),
        ({"rows": ROWS, "note": "x"}, "an object with 2 keys: rows (1,000 items), note (1 characters)"),
    ],
)
def test_a_large_result_shows_shape_head_and_tail(data: Any, shape: str) -> None:
    shown = preview(ToolResult("ok", data=data, ref="12.1", summary="kept", untrusted_source="mail 3"))
    assert shown.data["shape"] == shape
    assert shown.data["begins"]
    assert shown.data["ends"]
    assert '{"ref": "12.1"}' in shown.hint
    assert (shown.truncated, shown.summary, shown.untrusted_source) == (True, "kept", "mail 3")


@given(st.text(min_size=3_000, max_size=6_000), st.sampled_from('aé漢\U0001f600\x00"'))
def test_a_preview_is_small_whatever_it_is_of(words: str, filling: str) -> None:
    shown = preview(ToolResult("ok", data=words + filling * 9_000, ref="1.1"))
    assert len(json.dumps(shown.data, ensure_ascii=False).encode("utf-8", "replace")) < LARGE
