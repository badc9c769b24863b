"""A large result is read back part by part, or by the words in it; what came from outside stays marked."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentops.context.results import LARGE
from agentops.core.tools import ToolResult
from agentops.tools.builtin.read_result import read_result
from agentops.tools.parts import SLICE, part_of
from tests.tools.contexts import context

ROWS = [{"id": number, "item": f"pen {number}"} for number in range(1_000)]


def stored(data: Any, **more: Any) -> Any:
    results = {"12.1": ToolResult("ok", data=data, ref="12.1", **more)}
    return context(stored_results=results.get)


async def read(where: Any, **arguments: Any) -> ToolResult:
    return await read_result.run(read_result.validate({"ref": "12.1", **arguments}), where)


async def test_the_parts_give_the_whole() -> None:
    text, offset = "", 0
    while True:
        result = await read(stored(ROWS), offset=offset)
        assert result.ok
        assert len(json.dumps(result.data).encode()) <= LARGE
        text += result.data
        offset = len(text)
        if not result.truncated:
            break
        assert f"offset={offset}" in result.hint
    assert [json.loads(line) for line in text.splitlines()] == ROWS


async def test_words_are_found_with_where_they_stand() -> None:
    result = await read(stored(ROWS), find="PEN 77")
    assert result.summary.startswith("result 12.1: 11 places")
    place = result.data[0]["offset"]
    there = await read(stored(ROWS), offset=place)
    assert there.data.startswith("pen 77")


async def test_words_that_are_everywhere_give_the_first_places() -> None:
    result = await read(stored("pen " * 5_000), find="pen")
    assert result.truncated
    assert "5,000 places" in result.summary
    assert len(json.dumps(result.data).encode()) <= LARGE


async def test_content_from_outside_stays_marked_and_keeps_its_name() -> None:
    result = await read(stored("Dear all", untrusted_source="mail 3"))
    assert (result.untrusted_source, result.ref) == ("mail 3", "12.1")
    assert (await read(stored("Dear all", untrusted_source="mail 3"), find="dear")).untrusted_source == "mail 3"


async def test_what_is_not_there_is_said() -> None:
    unknown = await read_result.run(read_result.validate({"ref": "99.9"}), stored("x"))
    assert (unknown.ok, "no result 99.9" in unknown.error) == (False, True)
    beyond = await read(stored("short"), offset=100)
    assert (beyond.ok, "5 characters" in beyond.error) == (False, True)
    assert (await read_result.run(read_result.validate({"ref": "12.1"}), context())).error


@given(st.text(alphabet=st.sampled_from('aé漢\U0001f600"\n'), max_size=9_000), st.integers(0, 9_000))
def test_a_part_always_fits_and_moves_on(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    part = part_of(text, offset)
    assert text[offset:].startswith(part)
    assert bool(part) == (offset < len(text))
    assert len(json.dumps(part, ensure_ascii=False).encode()) <= SLICE + 2
