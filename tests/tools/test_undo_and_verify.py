"""A tool may declare how a call of it is taken back, and how to look whether one happened."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentops.core.tools import ToolContext, Verification
from agentops.tools import ToolDefinitionError, ToolError, function, tool
from agentops.tools.function import FunctionTool
from agentops.tools.registry import Registry

from .contexts import context


def book(seat: str) -> str:
    """Book a seat."""
    return seat


def made(**options: Any) -> FunctionTool:
    return tool(tier="high", effect="Book {seat}", into=Registry(), **options)(book)


async def looked(verify: Any) -> Verification:
    return await made(verify=verify).verify({"seat": "3A"}, context(call_id="c7"))


def test_the_call_that_takes_one_back_comes_from_its_arguments_and_its_result() -> None:
    booked = made(undo=lambda arguments, data: ("free", {"seat": arguments["seat"], "of": data["number"]}))
    assert booked.can_undo
    assert booked.compensation({"seat": "3A"}, {"number": 5}) == ("free", {"seat": "3A", "of": 5})


def test_a_result_that_says_nothing_cannot_be_taken_back() -> None:
    booked = made(undo=lambda arguments, data: ("free", {"of": data["number"]}))
    assert booked.compensation({"seat": "3A"}, None) is None
    assert made(undo=lambda arguments, data: None).compensation({"seat": "3A"}, {}) is None
    plain = made()
    assert (plain.can_undo, plain.compensation({"seat": "3A"}, {})) == (False, None)


def test_what_only_reads_has_nothing_to_undo_or_to_verify() -> None:
    for option in ({"undo": lambda arguments, data: None}, {"verify": lambda arguments, context: None}):
        with pytest.raises(ToolDefinitionError, match="only reads"):
            tool(reads_only=True, into=Registry(), **option)(book)  # type: ignore[arg-type]  # one of both


def test_a_look_gets_the_arguments_and_the_calls_own_key() -> None:
    def look(arguments: dict[str, Any], about: ToolContext) -> Verification:
        return Verification(f"{arguments['seat']} of {about.call_id}", happened=True)

    async def look_later(arguments: dict[str, Any], about: ToolContext) -> Verification:
        await asyncio.sleep(0)
        return look(arguments, about)

    for way in (look, look_later):
        assert asyncio.run(looked(way)) == Verification("3A of c7", True)


@pytest.mark.parametrize(
    ("answer", "happened"),
    [(True, True), (False, False), (None, None), ("Ask the theatre.", None), (1, None), ({}, None)],
)
async def test_only_a_plain_yes_or_no_counts_as_one(answer: Any, happened: bool | None) -> None:
    found = await looked(lambda arguments, context: answer)
    assert found.happened is happened and found.said


async def test_a_look_that_fails_says_so_and_knows_nothing() -> None:
    def refuse(arguments: dict[str, Any], context: ToolContext) -> None:
        raise ToolError("The theatre is closed.")

    def burst(arguments: dict[str, Any], context: ToolContext) -> None:
        raise ValueError("secret")

    assert "theatre is closed" in (await looked(refuse)).said
    found = await looked(burst)
    assert found.happened is None and "secret" not in found.said
    assert (await made().verify({"seat": "3A"}, context())).happened is None


async def test_a_look_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "VERIFY_SECONDS", 0.01)

    async def hang(arguments: dict[str, Any], context: ToolContext) -> None:
        await asyncio.Event().wait()

    found = await looked(hang)
    assert found.happened is None and "did not finish" in found.said


async def test_what_a_look_says_can_be_stored_and_is_not_endless() -> None:
    found = await looked(lambda arguments, context: Verification("a\x00" + "b" * 9000, happened=True))
    assert "\x00" not in found.said and len(found.said) < 2100
