"""A client's side of the conversation: the real SDK, and goals that carry a script."""

from __future__ import annotations

import json
from typing import Any

from anthropic import AsyncAnthropic

TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}


def client(url: str) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=url, api_key="any", max_retries=0)


def script(*turns: dict[str, Any], **more: Any) -> str:
    return f"Play this.\n```sim {json.dumps({'turns': turns, **more})}```"


def request(*messages: Any, **more: Any) -> dict[str, Any]:
    """Messages in turn by the user and the assistant."""
    spoken = [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(messages)]
    return {"model": "sim-1", "max_tokens": 1000, "tools": [TOOL], "messages": spoken, **more}


def use(call: str, name: str = "look", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def result(call: str, text: str = "ok") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": text}
