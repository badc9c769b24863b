"""A turn as the server-sent events of the Messages API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .requests import Request
from .turns import Turn


def envelope(request: Request, turn: Turn) -> dict[str, Any]:
    """The whole message, as a request without streaming gets it."""
    content = turn.blocks(request.turn_number)
    return {
        "id": f"msg_sim_{request.turn_number}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": content,
        "stop_reason": turn.reason,
        "stop_sequence": None,
        "usage": request.usage(json.dumps(content, ensure_ascii=False)),
    }


def stream(request: Request, turn: Turn) -> Iterator[tuple[bytes, bool]]:
    """Events in order; the flag is true for a piece of content, which takes its time."""
    message = envelope(request, turn)
    usage = message["usage"]
    opening = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield encode("message_start", message=opening), False
    yield encode("ping"), False
    tools = iter(turn.tools)
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        if kind == "tool_use":
            text, name, field = next(tools).text, "input_json_delta", "partial_json"
            empty: dict[str, Any] = {**block, "input": {}}
        elif kind == "thinking":
            text, name, field = block["thinking"], "thinking_delta", "thinking"
            empty = {"type": "thinking", "thinking": "", "signature": ""}
        else:
            text, name, field = block["text"], "text_delta", "text"
            empty = {"type": "text", "text": ""}
        yield encode("content_block_start", index=index, content_block=empty), False
        for piece in turn.pieces(text):
            yield encode("content_block_delta", index=index, delta={"type": name, field: piece}), True
        if kind == "thinking":
            delta = {"type": "signature_delta", "signature": block["signature"]}
            yield encode("content_block_delta", index=index, delta=delta), False
        yield encode("content_block_stop", index=index), False
    delta = {"stop_reason": turn.reason, "stop_sequence": None}
    yield encode("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]}), False
    yield encode("message_stop"), False


def encode(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n".encode(
        "utf-8", "replace"
    )
