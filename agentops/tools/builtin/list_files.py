"""Lists a folder of the run's workspace."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentops.core.tools import ToolContext, ToolResult
from agentops.tools.registry import tool
from agentops.tools.workspace import Workspace


@tool(reads_only=True, timeout=10)
def list_files(
    context: ToolContext, path: Annotated[str, Field(description="A folder of the workspace.")] = "."
) -> ToolResult:
    """List the files and folders directly in a folder of your workspace. Folders end in "/"."""
    found = Workspace(context.workspace).entries(path)
    return ToolResult("ok", data=found, summary=f"{len(found)} in {path}")
