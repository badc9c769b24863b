"""What the provider is sent: cache marks in place, nothing the API would refuse, the attempt's number."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal

import pytest

from agentops.core.messages import Message, tool_result, user

from .calls import LOOK_UP, SONNET, calling, request
from .messages_server import refuses, says

MARK = {"type": "ephemeral"}


async def test_the_end_of_each_part_is_marked_for_caching() -> None:
    messages: list[Message] = [
        user("Hello"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}]},
        user(tool_result("toolu_1", "found"), "Go on"),
    ]
    before = deepcopy(messages)
    async with calling(says("Hi")) as caller:
        await caller.ask(request(messages=messages, tools=[LOOK_UP, LOOK_UP]))
    [body] = caller.server.bodies
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, MARK]
    assert body["messages"][:2] == before[:2]
    assert [part.get("cache_control") for part in body["messages"][2]["content"]] == [None, MARK]
    assert messages == before


async def test_thinking_is_never_marked() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    said = {"type": "text", "text": "Hi"}
    async with calling(says("Hi")) as caller:
        await caller.ask(request(messages=[user("Hello"), {"role": "assistant", "content": [said, thought]}]))
    assert caller.server.bodies[0]["messages"][1]["content"] == [{**said, "cache_control": MARK}, thought]


async def test_no_system_prompt_and_no_tools_are_left_out() -> None:
    async with calling(says("Hi")) as caller:
        await caller.ask(request(system="", tools=[]))
    assert not {"system", "tools", "thinking"} & caller.server.bodies[0].keys()


async def test_thinking_has_its_budget_on_top_of_the_answer() -> None:
    async with calling(says("Hi")) as caller:
        asked = request(thinking_tokens=2_000, max_output_tokens=1_000)
        await caller.ask(asked)
        worst = caller.gateway.worst_cost(asked, 0, 0)
    [body] = caller.server.bodies
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2_000}
    assert body["max_tokens"] == 3_000
    assert worst == Decimal("0.045")  # 3,000 tokens at $15 a million


async def test_each_request_says_which_attempt_it_is() -> None:
    async with calling(refuses(529), refuses(401), says("Hi")) as caller:
        await caller.ask(request(SONNET, "claude-haiku-4-5"))
        await caller.ask()
    assert [sent["x-attempt"] for sent in caller.server.headers] == ["1", "2", "3", "1"]


async def test_a_server_without_a_name_is_called_by_its_host() -> None:
    async with calling(says("Hi"), provider="simulator") as caller:
        assert (await caller.ask()).attempts[0].provider == "simulator"


async def test_the_worst_cost_counts_every_new_byte_as_a_token_to_be_cached() -> None:
    async with calling(says("Hi")) as caller:
        worst = caller.gateway.worst_cost(request("claude-haiku-4-5", SONNET, max_output_tokens=100), 1_000, 200)
    assert worst == Decimal("0.006")  # 1,200 at $3.75 and 100 at $15 a million


async def test_a_proxy_is_not_asked_for_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with calling(says("Hi")) as caller:
        assert (await caller.ask()).text == "Hi"
