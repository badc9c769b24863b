"""Asks the people who watch the run; it waits, without a slot, until one of them answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agentops.core.tools import ToolResult
from agentops.tools.registry import tool


def _question(arguments: dict[str, Any]) -> str:
    return str(arguments["question"])


@tool(
    reads_only=True,
    asks_person=True,
    effect=_question,
    hint="Ask only what you cannot find out with your other tools, and one thing at a time.",
)
def ask_human(
    question: Annotated[str, Field(min_length=3, max_length=2000, description="One clear question.")],
    options: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(max_length=8, description="Answers to choose from, if there are few; a person may still write another."),
    ] = [],  # noqa: B006 - never mutated: the function is never run
    context: Annotated[str, Field(max_length=4000, description="What a person must know to answer.")] = "",
) -> ToolResult:
    """Ask a person and wait for the answer."""
    return ToolResult("error", error="Only a person can answer this.")
