"""Writes a text file in the run's workspace."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentops.core.tools import Tier, ToolContext, ToolResult
from agentops.tools.registry import tool
from agentops.tools.workspace import Workspace


@tool(tier=Tier.LOW, effect="Write the file {path} in the run's workspace", idempotent=True, timeout=10)
def write_file(
    context: ToolContext,
    path: Annotated[str, Field(min_length=1, description="Where, such as notes/summary.md.")],
    text: Annotated[str, Field(description="The whole content; an existing file is replaced.")],
) -> ToolResult:
    """Write a text file in your workspace; folders on the way are made, an existing file is replaced."""
    content = text.encode()
    Workspace(context.workspace).write(path, content)
    return ToolResult("ok", data={"path": path, "bytes": len(content)}, summary=f"Wrote {path}")
