"""The simulator is a Messages API to the real SDK, and refuses what the real one refuses."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest

from .conversations import TOOL, client, request, result, script, use

EVERYTHING = {
    "thinking": "First I think about it for a while.",
    "text": "Then I speak, at some length: äöü 🙂",
    "tools": [{"name": "look", "input": {"where": "nöwhere"}}, {"name": "look", "input": {}}],
}


async def test_a_streamed_message_is_the_same_as_a_whole_one(simulator_url: str) -> None:
    asked = request(script(EVERYTHING))
    async with client(simulator_url) as api:
        whole = await api.messages.create(**asked)
        async with api.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    assert [b.to_dict() for b in streamed.content] == [b.to_dict() for b in whole.content]
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.to_dict() == whole.usage.to_dict()
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert whole.stop_reason == "tool_use"
    assert whole.content[2].input == {"where": "nöwhere"}
    assert len({block.id for block in whole.content if block.type == "tool_use"}) == 2


async def test_events_come_in_the_apis_order_and_text_in_pieces(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        events = [event async for event in await api.messages.create(**request(script(EVERYTHING)), stream=True)]
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4
    pieces = [
        event.delta.text for event in events if getattr(getattr(event, "delta", None), "type", "") == "text_delta"
    ]
    assert len(pieces) > 1
    assert "".join(pieces) == EVERYTHING["text"]


async def test_the_number_of_pieces_can_be_chosen(simulator_url: str) -> None:
    asked = request(script({"text": "x" * 100, "deltas": 5}))
    async with client(simulator_url) as api:
        events = [event async for event in await api.messages.create(**asked, stream=True)]
    assert sum(event.type == "content_block_delta" for event in events) == 5


async def test_an_agent_without_a_script_is_told_whom_it_talks_to(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        answer = await api.messages.create(**request("Water the plants.", model="claude"))
    assert "simulator" in answer.content[0].text
    assert "Water the plants." in answer.content[0].text
    assert answer.stop_reason == "end_turn"


async def test_tokens_are_counted_without_an_answer(simulator_url: str) -> None:
    asked = request("Water the plants.", model="claude")
    async with client(simulator_url) as api:
        answer = await api.messages.create(**asked)
        del asked["max_tokens"]
        assert (await api.messages.count_tokens(**asked)).input_tokens == answer.usage.input_tokens


GOAL = script({"text": "Hi"})
WRONG: dict[str, dict[str, Any]] = {
    "has no `tool_result`": request(GOAL, [use("a")]),
    "without `tool_result` blocks": request(GOAL, [use("a"), use("b")], [result("a")]),
    "unexpected `tool_use_id`": request(GOAL, [use("a")], [result("a"), result("z")]),
    "at least one message": request(),
    "must use the user role": {**request(GOAL), "messages": [{"role": "assistant", "content": "Hi"}]},
    "must be non-empty": request([{"type": "text", "text": ""}]),
    "content must be non-empty": request([]),
    "max_tokens": request(GOAL, max_tokens=0),
    "should match pattern": request(GOAL, tools=[{**TOOL, "name": "no spaces please"}]),
    "input_schema: Field required": request(GOAL, tools=[{"name": "look"}]),
    "A maximum of 4 blocks": request(
        [{"type": "text", "text": GOAL, "cache_control": {"type": "ephemeral"}} for _ in range(5)]
    ),
    "not shaped like a Messages request": request(GOAL, tools=["look"]),
    "wants a ```sim": request("No script here."),
    "not JSON": request("```sim {not json}```"),
    "not shaped like a turn": request(script({"tools": ["look"]})),
    "There is no fault": request(script({"fault": {"kind": "meteor"}})),
}


@pytest.mark.parametrize("message", WRONG)
async def test_a_wrong_request_is_refused_with_its_reason(simulator_url: str, message: str) -> None:
    async with client(simulator_url) as api:
        with pytest.raises(anthropic.BadRequestError) as refused:
            await api.messages.create(**WRONG[message])
    assert message in refused.value.message
    assert refused.value.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 200_000])
async def test_a_body_that_is_no_object_is_refused(simulator_url: str, path: str, body: bytes) -> None:
    async with client(simulator_url) as api:
        with pytest.raises(anthropic.BadRequestError, match=r"JSON|object"):
            await api.post(path, cast_to=object, content=body, options={"headers": {"content-type": "text/plain"}})


async def test_without_a_key_nothing_is_answered(simulator_url: str) -> None:
    async with httpx2.AsyncClient(base_url=simulator_url) as http:
        answer = await http.post("/v1/messages", json=request(GOAL))
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


async def test_an_unknown_address_is_not_found(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        with pytest.raises(anthropic.NotFoundError):
            await api.post("/v1/nothing", cast_to=object, body={})
