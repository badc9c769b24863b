"""Puts a file of the run's workspace back as it was before one write."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentops.core.tools import Tier, ToolContext, ToolResult
from agentops.tools.registry import tool
from agentops.tools.workspace import Workspace


@tool(
    tier=Tier.LOW,
    effect="Put the file {path} of the run's workspace back as it was before version {version}",
    idempotent=True,
    timeout=10,
)
def restore_file(
    context: ToolContext,
    path: Annotated[str, Field(min_length=1, description="A file that write_file wrote.")],
    version: Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="What write_file returned as `version`.")],
) -> ToolResult:
    """Put a file back as it was before you wrote it: its former content, or no file if there was none."""
    was_there = Workspace(context.workspace).restore(path, version)
    return ToolResult("ok", data={"path": path, "is_there": was_there}, summary=f"Restored {path}")
