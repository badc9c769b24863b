"""A goal's own script: the turn follows from the messages, and its words can name what came before."""

from __future__ import annotations

import itertools
import json
from typing import Any

from anthropic import AsyncAnthropic
from anthropic.types import Message

from .conversations import client, request, result, script

LOOK = {"tools": [{"name": "look", "input": {"turn": "{{n}}", "seen": "{{last}}"}}]}


async def play(api: AsyncAnthropic, goal: Any, turns: int, **more: Any) -> list[Message]:
    """Answers every tool use with “seen <id>”."""
    messages: list[Any] = [goal]
    answers: list[Message] = []
    for _ in range(turns):
        answers.append(await api.messages.create(**request(*messages, **more)))
        messages.append([block.to_dict() for block in answers[-1].content])
        messages.append(
            [result(block.id, f"seen {block.id}") for block in answers[-1].content if block.type == "tool_use"]
        )
    return answers


async def test_turns_play_in_order_then_repeat_then_done(simulator_url: str) -> None:
    goal = script({"text": "First.", **LOOK}, repeat={"turn": LOOK, "times": 2})
    async with client(simulator_url) as api:
        answers = await play(api, goal, 4)
    assert answers[0].content[0].text == "First."
    assert [answer.stop_reason for answer in answers] == ["tool_use"] * 3 + ["end_turn"]
    assert answers[3].content[0].text == "Done."


async def test_a_turn_can_name_its_number_and_the_last_result(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        answers = await play(api, script(LOOK, LOOK), 2)
    assert answers[0].content[0].input == {"turn": "0", "seen": ""}
    assert answers[1].content[0].input == {"turn": "1", "seen": f"seen {answers[0].content[0].id}"}


async def test_a_result_that_is_no_text_on_the_wire_still_comes_back(simulator_url: str) -> None:
    goal = script(LOOK, {"text": "I saw {{last}}"})
    async with client(simulator_url) as api:
        first = await api.messages.create(**request(goal))
        spoken = [block.to_dict() for block in first.content]
        body = request(goal, spoken, [result(first.content[0].id, "half: LONE")], stream=True)
        sent = json.dumps(body).replace("LONE", "\\ud83d").encode()
        answer = await api.post(
            "/v1/messages", cast_to=str, content=sent, options={"headers": {"content-type": "application/json"}}
        )
    assert "message_stop" in answer


async def test_a_stop_reason_can_be_chosen(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        answer = await api.messages.create(**request(script({"text": "Cut of", "stop_reason": "max_tokens"})))
    assert answer.stop_reason == "max_tokens"


async def test_what_one_turn_writes_to_the_cache_the_next_one_reads(simulator_url: str) -> None:
    system = [{"type": "text", "text": "Be brief. " * 50, "cache_control": {"type": "ephemeral"}}]
    async with client(simulator_url) as api:
        answers = await play(api, script(LOOK, LOOK, LOOK), 4, system=system)
    usages = [answer.usage for answer in answers]
    assert usages[0].cache_read_input_tokens == 0
    assert usages[0].cache_creation_input_tokens > 100
    for before, after in itertools.pairwise(usages):
        assert after.cache_read_input_tokens == before.cache_read_input_tokens + before.cache_creation_input_tokens
        assert after.cache_creation_input_tokens > 0


async def test_without_a_mark_nothing_is_cached(simulator_url: str) -> None:
    async with client(simulator_url) as api:
        answers = await play(api, script(LOOK), 2)
    assert {answer.usage.cache_read_input_tokens for answer in answers} == {0}
    assert {answer.usage.cache_creation_input_tokens for answer in answers} == {0}
    assert answers[1].usage.input_tokens > answers[0].usage.input_tokens > 1
