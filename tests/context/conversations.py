"""Conversations as runs have them, valid for the API, for property tests and others."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from agentops.core.messages import PERSON_SPEAKS, Block, Message, text, tool_result, user

GOAL = "Your goal: settle the invoices of March."


def said(words: str) -> Block:
    return text(f"{PERSON_SPEAKS} (Ada) says: {words}")


def envelope(number: int, data: Any = "fine", **more: Any) -> str:
    return json.dumps({"ok": True, "ref": f"{number}.1", "data": data, "summary": f"result {number}", **more})


def conversation(*turns: tuple[int, int, list[str]], goal: str = GOAL) -> list[Message]:
    """Each turn: how many calls it makes, how long each result is, what a person says with the results.

    The last turn's calls are not answered yet, as when the next step opens.
    """
    messages = [user(goal)]
    for number, (calls, length, words) in enumerate(turns, 1):
        uses: list[Block] = [
            {"type": "tool_use", "id": f"use_{number}_{index}", "name": "look", "input": {"value": number}}
            for index in range(calls)
        ]
        messages.append({"role": "assistant", "content": [text(f"Turn {number}."), *uses]})
        results = [tool_result(use["id"], envelope(number, "x" * length)) for use in uses]
        if number < len(turns):
            messages.append(user(*results, *map(said, words)) if results or words else user("Go on."))
    return messages


turns = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3_000), st.lists(st.text(max_size=20), max_size=2)),
    min_size=1,
    max_size=12,
)


def check(messages: list[Message]) -> None:
    """What the Messages API demands; the calls of the last message are answered by the one that follows it."""
    for index, message in enumerate(messages):
        assert message["role"] == ("user" if index % 2 == 0 else "assistant")
        assert message["content"]
        assert all(block.get("text") != "" for block in message["content"])
        asked = [] if index == 0 else [b["id"] for b in messages[index - 1]["content"] if b["type"] == "tool_use"]
        answered = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        assert answered == asked


def persons(messages: list[Message]) -> list[str]:
    blocks = [block for message in messages if message["role"] == "user" for block in message["content"]]
    return [block["text"] for block in blocks if block.get("text", "").startswith(PERSON_SPEAKS)]
