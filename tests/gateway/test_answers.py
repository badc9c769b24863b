"""What a streamed answer becomes: blocks to send back, tool calls to judge, tokens to pay."""

from __future__ import annotations

import pytest

from agentops.core.models import Delta
from agentops.core.usage import Usage

from .calls import SONNET, calling
from .messages_server import Event, answer, block, delta, end, says, start, text, tool


async def test_text_streams_and_is_kept_whole() -> None:
    async with calling(answer(start(), *text("Hello "), delta(0, "text_delta", text="there"), *end())) as caller:
        answered = await caller.ask()
    assert answered.content == [{"type": "text", "text": "Hello there"}]
    assert answered.stop_reason == "end_turn"
    assert caller.deltas == [Delta("text", "Hello "), Delta("text", "there")]


async def test_the_attempt_tells_what_happened() -> None:
    async with calling(says("Hi")) as caller:
        [attempt] = (await caller.ask()).attempts
    assert (attempt.number, attempt.provider, attempt.model) == (1, "127.0.0.1", SONNET)
    assert (attempt.error_kind, attempt.estimated, attempt.request_id) == ("", False, "req_1")
    assert attempt.first_token_ms is not None
    assert 0 <= attempt.first_token_ms <= attempt.duration_ms


async def test_thinking_keeps_its_signature_verbatim() -> None:
    events = [
        block(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Let me see."),
        delta(0, "signature_delta", signature="c2ln+/="),
        block(1, type="redacted_thinking", data="opaque"),
        *text("Yes", 2),
    ]
    async with calling(answer(start(), *events, *end())) as caller:
        answered = await caller.ask()
    assert answered.content == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln+/="},
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "text", "text": "Yes"},
    ]
    assert Delta("thinking", "Let me see.") in caller.deltas


async def test_tool_input_is_put_together_from_its_pieces() -> None:
    async with calling(answer(start(), *tool('{"order"', ": 7}"), *end("tool_use"))) as caller:
        answered = await caller.ask()
    [use] = answered.tool_uses
    assert (use.id, use.name, use.input, use.problem) == ("toolu_1", "look_up", {"order": 7}, "")
    assert answered.content == [{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"order": 7}}]
    assert caller.deltas == [Delta("tool_input", '{"order"', "look_up"), Delta("tool_input", ": 7}", "look_up")]


async def test_no_input_at_all_is_an_empty_object() -> None:
    async with calling(answer(start(), *tool(""), *end("tool_use"))) as caller:
        [use] = (await caller.ask()).tool_uses
    assert (use.input, use.problem) == ({}, "")


@pytest.mark.parametrize(
    "broken",
    [
        '{"order": ',
        "order 7",
        "[1, 2]",
        '"seven"',
        "null",
        '{"order": NaN}',
        pytest.param('{"a":' * 100_000, id="deep"),
    ],
)
async def test_tool_input_that_is_no_json_object_is_a_problem(broken: str) -> None:
    async with calling(answer(start(), *tool(broken), *end("tool_use"))) as caller:
        answered = await caller.ask()
    [use] = answered.tool_uses
    assert use.problem
    assert use.input == {}
    assert answered.content[0]["input"] == {}


async def test_every_tool_call_has_an_id_of_its_own() -> None:
    events = [*tool("{}", index=0), *tool("{}", index=1)]
    async with calling(answer(start(), *events, *end("tool_use"))) as caller:
        answered = await caller.ask()
    first, second = answered.tool_uses
    assert first.id != second.id
    assert [part["id"] for part in answered.content] == [first.id, second.id]


async def test_blank_text_is_left_out_because_the_api_takes_none_back() -> None:
    async with calling(answer(start(), *text("\n"), *tool("{}", index=1), *end("tool_use"))) as caller:
        answered = await caller.ask()
    assert [part["type"] for part in answered.content] == ["tool_use"]


async def test_what_is_not_known_is_passed_over() -> None:
    strange: list[Event] = [
        {"type": "ping"},
        {"type": "weather", "sunny": True},
        block(0, type="hologram", data="x"),
        delta(0, "hologram_delta", data="y"),
        *text("Hi", 1),
        delta(1, "smell_delta", smell="roses"),
        delta(9, "text_delta", text="of no block"),
    ]
    async with calling(answer(start(), *strange, *end())) as caller:
        answered = await caller.ask()
    assert answered.content == [{"type": "text", "text": "Hi"}]


async def test_a_server_may_send_blocks_whole() -> None:
    events = [
        block(0, type="text", text="Hi"),
        block(1, type="tool_use", id="toolu_1", name="look_up", input={"order": 7}),
    ]
    async with calling(answer(start(), *events, *end("tool_use"))) as caller:
        answered = await caller.ask()
    assert answered.text == "Hi"
    assert answered.tool_uses[0].input == {"order": 7}


async def test_input_tokens_are_the_total_with_cache_reads_and_writes() -> None:
    counted = start(input_tokens=100, cache_read_input_tokens=2_000, cache_creation_input_tokens=300, output_tokens=1)
    async with calling(answer(counted, *text("Hi"), *end(output_tokens=50))) as caller:
        answered = await caller.ask()
    assert answered.usage == Usage(2_400, 50, cache_read_tokens=2_000, cache_write_tokens=300)


async def test_later_counts_replace_earlier_ones() -> None:
    ending = end(input_tokens=120, output_tokens=50)
    async with calling(answer(start(input_tokens=100, output_tokens=1), *text("Hi"), *ending)) as caller:
        answered = await caller.ask()
    assert answered.usage == Usage(120, 50)


async def test_usage_that_nobody_reported_is_estimated_and_marked() -> None:
    silent: list[Event] = [
        {"type": "message_start", "message": {}},
        *text("x" * 31),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    async with calling(answer(*silent)) as caller:
        [attempt] = (await caller.ask()).attempts
    assert attempt.estimated
    assert attempt.usage.output_tokens == 11
    assert attempt.usage.input_tokens > 0
    assert attempt.cost_usd > 0
