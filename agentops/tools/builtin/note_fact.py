"""Lets an agent note what it must not forget: noted facts are told to it again every turn, whatever is shortened."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentops.core.tools import ToolResult
from agentops.tools.registry import tool


@tool(
    tier="low",
    idempotent=True,
    reads_only=True,
    hint="Short and exact: numbers, ids, decisions. An empty fact forgets that name.",
)
def note_fact(
    name: Annotated[str, Field(min_length=1, max_length=80, description="What it is about, in a word or three.")],
    fact: Annotated[str, Field(max_length=1000, description="The fact itself.")],
) -> ToolResult:
    """Note a fact for the rest of this run. Noting one under the same name again replaces it."""
    return ToolResult("ok", summary=f"Noted under {name}." if fact.strip() else f"{name} is forgotten.")
