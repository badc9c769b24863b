"""Reads back a result that was too large to be given whole, part by part or by what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from agentops.core.tools import Tier, ToolContext, ToolResult
from agentops.tools.errors import ToolError
from agentops.tools.parts import find_in, part_of, whole_text
from agentops.tools.registry import tool

Stored = Callable[[str], ToolResult | None]
"""The whole result of a call of this run, by its reference; None where there is none."""


@tool(
    reads_only=True,
    tier=Tier.LOW,
    effect="Read result {ref} back",
    timeout=15,
    hint='Look with "find" first when you know what you look for; read on with the offset that the hint names.',
)
def read_result(
    context: ToolContext,
    ref: Annotated[str, Field(min_length=3, max_length=80, description='The reference of a result, such as "12.1".')],
    offset: Annotated[int, Field(ge=0, description="First character to show.")] = 0,
    find: Annotated[str, Field(max_length=200, description="Words to look for, instead of reading on.")] = "",
) -> ToolResult:
    """Read an earlier result of this run that was shown as a preview or left out to save room."""
    stored: Stored | None = context.settings.get("stored_results")
    result = stored(ref) if stored else None
    if result is None:
        raise ToolError(f"This run has no result {ref}.", 'Use a "ref" as a result of this run names it.')
    text = whole_text(result.error if not result.ok and result.data is None else result.data)
    source = result.untrusted_source
    if find:
        places, count = find_in(text, find)
        more = f"; the first {len(places)} are shown" if count > len(places) else ""
        return ToolResult(
            "ok",
            data=places,
            summary=f"result {ref}: {count:,} places{more}",
            truncated=count > len(places),
            hint="Call again with the offset of a place to read on from there." if places else "Try other words.",
            untrusted_source=source,
            ref=result.ref or ref,
        )
    if offset >= len(text) > 0:
        raise ToolError(f"Result {ref} has {len(text):,} characters.", "Use a smaller offset.")
    shown = part_of(text, offset)
    end = offset + len(shown)
    return ToolResult(
        "ok",
        data=shown,
        summary=f"result {ref}: characters {offset:,} to {end:,} of {len(text):,}",
        truncated=end < len(text),
        hint=f"Call again with offset={end} for the rest." if end < len(text) else "",
        untrusted_source=source,
        ref=result.ref or ref,
    )
