"""Whatever the model says and the tools return, what is sent next is valid for the API and nothing bad runs."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentops.core.models import ModelAnswer, ToolUse
from agentops.core.states import CALL_FINAL, CallStatus
from agentops.core.tools import Tier, ToolResult
from agentops.engine.interrupts import End, Wait

from .doubles import CountingTool, World, calls, check_conversation, says

uses = st.builds(
    lambda name, arguments, problem: (name, arguments, problem),
    st.sampled_from(["read", "send", "flaky", "risky", "nothing"]),
    st.sampled_from([{"value": 1}, {"value": "\x00"}, {}, {"valve": 2}]),
    st.sampled_from(["", "", "", "not JSON"]),
)
turns = st.one_of(
    st.builds(says, st.sampled_from(["", " ", "Yes."]), st.sampled_from(["end_turn", "max_tokens", "refusal"])),
    st.builds(
        lambda made, words, stop: calls(
            *(ToolUse(f"use_{index}", *use) for index, use in enumerate(made)), words=words, stop=stop
        ),
        st.lists(uses, min_size=1, max_size=6),
        st.sampled_from(["", "Hm."]),
        st.sampled_from(["tool_use", "max_tokens", "refusal"]),
    ),
)


@settings(max_examples=150)
@given(st.lists(turns, max_size=6), st.lists(st.sampled_from(["ok", "error", "unknown"]), max_size=8))
def test_any_script(script: list[ModelAnswer], outcomes: list[str]) -> None:
    coming = iter(outcomes)

    async def outcome(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult(next(coming, "ok"), data="…", error="…", untrusted_source="mail")

    risky = CountingTool("risky", Tier.HIGH)
    tools = (
        CountingTool("read", reads_only=True, idempotent=True, does=outcome),
        CountingTool("send"),
        CountingTool("flaky", does=outcome),
        risky,
    )
    world = World(*script, tools=tools)
    left = asyncio.run(world.advance())

    assert isinstance(left, End | Wait)
    for request in world.model.requests:
        check_conversation(request.messages)
        assert request.messages[-1]["role"] == "user"
    rows = world.journal.rows.values()
    assert risky.ran == []
    ran = sum(len(tool.ran) for tool in tools)
    never = {CallStatus.INVALID, CallStatus.HELD, CallStatus.PROPOSED, CallStatus.CANCELLED}
    assert ran == sum(call.status not in never for call in rows)
    assert not any(call.status is CallStatus.EXECUTING for call in rows)
    if isinstance(left, End):
        assert all(call.status in CALL_FINAL for call in rows)
    assert len(world.journal.bills) == len(world.model.requests)
    assert world.journal.held == 0
