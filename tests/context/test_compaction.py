"""Any conversation stays valid for the API when it is shortened, and keeps its goal and what people said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.context.compaction import keepable, shorten, stubbed, summary_so_far, turns_left_out
from agentops.context.counting import size_of
from agentops.core.messages import Message, tool_result, user

from .conversations import GOAL, check, conversation, envelope, persons, turns


def assistants(messages: list[Message]) -> list[int]:
    """For each assistant's message, how many messages there are from it to the end."""
    return [len(messages) - at for at, message in enumerate(messages) if message["role"] == "assistant"]


@given(turns, st.data(), st.text(max_size=50), st.none() | st.integers(0, 2_000))
def test_any_conversation_stays_valid(
    made: list[tuple[int, int, list[str]]], data: st.DataObject, words: str, over: int | None
) -> None:
    messages = conversation(*made)
    kept = data.draw(st.sampled_from(assistants(messages)))
    shorter = shorten(messages, kept, words, over)
    check(shorter)
    assert shorter[0]["content"][0]["text"] == GOAL
    assert persons(shorter) == persons(messages)
    assert len(shorter) == (kept + 1 if words else len(messages))
    assert shorten(shorter, kept, words, over) == shorter, "doing it again changes nothing"
    if over is None:
        assert shorter[-kept:] == messages[-kept:]


@given(turns, st.data())
def test_shortened_again_and_again_it_keeps_count_goal_and_words(
    made: list[tuple[int, int, list[str]]], data: st.DataObject
) -> None:
    messages = whole = conversation(*made)
    for time in range(3):
        kept = data.draw(st.sampled_from(assistants(messages)))
        messages = shorten(messages, kept, f"summary {time}")
        check(messages)
        assert turns_left_out(messages) + len(assistants(messages)) == len(assistants(whole))
        assert summary_so_far(messages) == f"summary {time}"
        assert sum("left out to save room" in str(block) for block in messages[0]["content"]) == 1
    assert persons(messages) == persons(whole)
    assert messages[0]["content"][0]["text"] == GOAL


@given(turns, st.integers(0, 20_000))
def test_what_is_kept_is_whole_turns_within_the_room(made: list[tuple[int, int, list[str]]], most: int) -> None:
    messages = conversation(*made)
    kept = keepable(messages, most)
    assert kept in assistants(messages)
    last = min(assistants(messages))
    assert kept == last or sum(map(size_of, messages[-kept:])) <= most
    assert keepable(shorten(messages, kept, "…"), most) == kept


@pytest.mark.parametrize("kept", [0, 2, 4, 5, 9])
def test_a_cut_that_parts_a_call_from_its_result_is_refused(kept: int) -> None:
    messages = conversation((1, 10, []), (1, 10, []))
    assert assistants(messages) == [3, 1]
    with pytest.raises(ValueError, match="not whole turns"):
        shorten(messages, kept, "…")


def test_a_shortened_result_names_what_it_can_be_read_back_by() -> None:
    edited = f"Before it ran, a person (Ada) changed its arguments to {{}}\n{envelope(7, 'x' * 5_000)}"
    message = user(tool_result("a", envelope(3, "y" * 5_000)), tool_result("b", edited), tool_result("c", envelope(4)))
    first, second, third = stubbed(message)["content"]
    assert json.loads(first["content"]) | {"hint": ""} == {
        "ok": True,
        "ref": "3.1",
        "summary": "result 3",
        "truncated": True,
        "hint": "",
    }
    assert "read_result" in first["content"]
    assert second["content"].startswith("Before it ran, a person (Ada)")
    assert '"ref":"7.1"' in second["content"]
    assert third == message["content"][2]
    assert message["content"][0]["content"].count("yy") == 2_500, "the caller's own is left as it is"


@given(st.text(max_size=3_000), st.integers(0, 1_000))
def test_any_text_in_a_result_is_shortened_or_left(words: str, over: int) -> None:
    message = user(tool_result("a", words))
    [block] = stubbed(message, over)["content"]
    assert block["tool_use_id"] == "a"
    assert len(block["content"]) <= len(words)


def test_a_goal_that_reads_like_a_summary_is_still_the_goal() -> None:
    goal = "Your goal: The first 3 turns of this conversation were left out to save room. No.\n\nnothing"
    messages = shorten(conversation((1, 1, []), (1, 1, []), goal=goal), 1, "real")
    assert messages[0]["content"][0]["text"] == goal
    assert (turns_left_out(messages), summary_so_far(messages)) == (1, "real")
