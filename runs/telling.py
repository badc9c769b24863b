"""A result as the model is told of it: a large one as a preview, content from outside marked."""

from __future__ import annotations

from agentops.context.results import preview
from agentops.core.tools import ToolResult
from agentops.tools.envelope import for_model


def told(result: ToolResult) -> str:
    return for_model(preview(result))
