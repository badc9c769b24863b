"""Tools: typed functions that an agent may call, each with its schema, its risk and its envelope."""

from .errors import ToolDefinitionError, ToolError
from .registry import tool

__all__ = ["ToolDefinitionError", "ToolError", "tool"]
