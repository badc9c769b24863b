"""Writes a text file in the run's workspace."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import Field

from agentops.core.tools import Compensation, Tier, ToolContext, ToolResult
from agentops.tools.registry import tool
from agentops.tools.workspace import Workspace


def back(arguments: dict[str, Any], data: Any) -> Compensation | None:
    """The file as it was before: its former content, or no file."""
    if not isinstance(data, dict) or "version" not in data:
        return None
    return "restore_file", {"path": arguments["path"], "version": data["version"]}


@tool(tier=Tier.LOW, effect="Write the file {path} in the run's workspace", idempotent=True, timeout=10, undo=back)
def write_file(
    context: ToolContext,
    path: Annotated[str, Field(min_length=1, description="Where, such as notes/summary.md.")],
    text: Annotated[str, Field(description="The whole content; an existing file is replaced.")],
) -> ToolResult:
    """Write a text file in your workspace; folders on the way are made, an existing file is replaced."""
    content = text.encode()
    # Of the call, so that one that runs again does not take what it wrote itself for what was there before.
    version = hashlib.sha256(context.call_id.encode()).hexdigest()[:16]
    Workspace(context.workspace).write(path, content, keep=version)
    return ToolResult("ok", data={"path": path, "bytes": len(content), "version": version}, summary=f"Wrote {path}")
