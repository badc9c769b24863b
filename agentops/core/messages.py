"""The conversation with a model, in the Messages API's own shape: what is stored is what is sent."""

from __future__ import annotations

import json
from typing import Any, Literal, TypedDict

Block = dict[str, Any]
"""One content block: `text`, `thinking`, `tool_use` or `tool_result`, as the Messages API defines them."""


PERSON_SPEAKS = "A person who watches this run"
"""How the words of people to a run begin; nothing else in a conversation does."""


class Message(TypedDict):
    role: Literal["user", "assistant"]
    content: list[Block]


def user(*blocks: Block | str) -> Message:
    return {"role": "user", "content": [text(b) if isinstance(b, str) else b for b in blocks]}


def text(value: str) -> Block:
    return {"type": "text", "text": value}


def tool_result(tool_use_id: str, content: str, *, is_error: bool = False) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": content}
    if is_error:
        block["is_error"] = True
    return block


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def size(value: Any) -> int:
    """Bytes of it as JSON: what a message's content is on the wire."""
    return len(_encode(value).encode("utf-8", "replace"))


def text_of(content: list[Block]) -> str:
    """The visible text of a message's blocks, thinking left out."""
    return "\n".join(b["text"] for b in content if b.get("type") == "text" and b.get("text"))
