"""Prompt caching: marks the end of each part of a request that the next call will begin with again."""

from __future__ import annotations

from typing import Any

from agentops.core.messages import Block, Message
from agentops.core.tools import ToolSpec

_MARK = {"cache_control": {"type": "ephemeral"}}
_MARKABLE = {"text", "tool_use", "tool_result", "image", "document"}
"""The API refuses marks on thinking."""


def marked_system(system: str) -> list[Block]:
    return [{"type": "text", "text": system, **_MARK}] if system.strip() else []


def marked_tools(tools: list[ToolSpec]) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema} for tool in tools
    ]
    if described:
        described[-1] |= _MARK
    return described


def marked_messages(messages: list[Message], reminder: str = "") -> list[Message]:
    """The same messages with the last one's last block marked, and the reminder behind the mark.

    The caller's own are left as they are.
    """
    if not messages:
        return []
    *before, last = messages
    content = list(last["content"])
    for position in reversed(range(len(content))):
        if content[position].get("type") in _MARKABLE:
            content[position] = {**content[position], **_MARK}
            break
    if reminder and last["role"] == "user":
        content.append({"type": "text", "text": reminder})
    return [*before, {"role": last["role"], "content": content}]
