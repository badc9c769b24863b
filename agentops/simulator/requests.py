"""Reads a Messages request, refusing what the real API refuses, so that our own mistakes show."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .turns import Block

TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
BYTES_A_TOKEN = 4
LEFT_OUT = re.compile(r"^The first (\d{1,6}) turns? of this conversation (?:was|were) left out", re.MULTILINE)


class BadRequest(Exception):
    """Answered with status 400 and this message."""


@dataclass(frozen=True, slots=True)
class Request:
    model: str
    system: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    stream: bool
    cached: bool
    """Something in it is marked for caching."""
    attempt: int = 1

    @property
    def turn_number(self) -> int:
        """0 for the first answer. Turns that were left out to save room count: the first message says how many."""
        left_out = LEFT_OUT.search(self.goal())
        turns: int = sum(message["role"] == "assistant" for message in self.messages)
        return turns + int(left_out[1]) if left_out else turns

    @property
    def tool_names(self) -> set[str]:
        return {tool["name"] for tool in self.tools}

    def goal(self) -> str:
        """The text of the first message."""
        return "\n".join(block["text"] for block in self.messages[0]["content"] if block["type"] == "text")

    def calls(self) -> list[tuple[Block, str]]:
        """Every tool use so far with the text of its result, in order."""
        results = {
            block["tool_use_id"]: result_text(block)
            for message in self.messages
            for block in message["content"]
            if block["type"] == "tool_result"
        }
        return [
            (block, results.get(block["id"], ""))
            for message in self.messages
            for block in message["content"]
            if block["type"] == "tool_use"
        ]

    def usage(self, output: str) -> dict[str, int]:
        """Tokens as the real API counts them: fresh, written to the cache and read from it, each apart."""
        prefix = _tokens([self.system, self.tools])
        sizes = [_tokens(message["content"]) for message in self.messages]
        if not self.cached:
            fresh, written, read = prefix + sum(sizes), 0, 0
        elif self.turn_number == 0:
            fresh, written, read = 1, prefix + sum(sizes), 0
        else:
            read = prefix + sum(sizes[:-2])
            fresh, written = 1, sum(sizes[-2:])
        return {
            "input_tokens": fresh,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "output_tokens": max(1, len(output.encode("utf-8", "replace")) // BYTES_A_TOKEN),
        }


def parse(body: bytes, attempt: int) -> Request:
    """Raises BadRequest with a message in the real API's manner."""
    try:
        return _read(load(body), body.count(b'"cache_control"'), attempt)
    except (AttributeError, KeyError, TypeError) as error:
        raise BadRequest(f"The request is not shaped like a Messages request: {error!r}") from error


def load(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadRequest("The request body is not an object.")
    return data


def _read(data: dict[str, Any], marks: int, attempt: int) -> Request:
    if not isinstance(data.get("model"), str):
        raise BadRequest("model: Field required")
    if not isinstance(data.get("max_tokens"), int) or data["max_tokens"] < 1:
        raise BadRequest("max_tokens: Field required, an integer of at least 1")
    system = data.get("system") or ""
    if marks > 4:
        raise BadRequest(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    tools = data.get("tools") or []
    for index, tool in enumerate(tools):
        if not TOOL_NAME.match(str(tool.get("name", ""))):
            raise BadRequest(f"tools.{index}.name: String should match pattern '{TOOL_NAME.pattern}'")
        if not isinstance(tool.get("input_schema"), dict):
            raise BadRequest(f"tools.{index}.input_schema: Field required")
    return Request(
        model=data["model"],
        system=system if isinstance(system, str) else "\n".join(block["text"] for block in system),
        messages=_messages(data.get("messages")),
        tools=tools,
        stream=bool(data.get("stream")),
        cached=marks > 0,
        attempt=attempt,
    )


def _messages(messages: Any) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages: at least one message is required")
    if messages[0].get("role") != "user":
        raise BadRequest("messages: first message must use the user role")
    read = []
    for index, message in enumerate(messages):
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message.get("role") not in ("user", "assistant") or not isinstance(blocks, list):
            raise BadRequest(f"messages.{index}: a role and content are required")
        if not blocks:
            raise BadRequest(f"messages.{index}: content must be non-empty")
        for block in blocks:
            if block.get("type") == "text" and not block.get("text"):
                raise BadRequest(f"messages.{index}: text content blocks must be non-empty")
        read.append({"role": message["role"], "content": blocks})
    _check_pairs(read)
    return read


def _check_pairs(messages: list[dict[str, Any]]) -> None:
    """Every tool use is answered in the very next message, and nothing else is."""
    asked: set[str] = set()
    for index, message in enumerate(messages):
        answered = {block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"}
        if missing := asked - answered:
            raise BadRequest(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(missing))}"
            )
        if stray := answered - asked:
            raise BadRequest(
                f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(sorted(stray))}"
            )
        asked = {block["id"] for block in message["content"] if block["type"] == "tool_use"}
    if asked:
        raise BadRequest("messages: the last message's `tool_use` has no `tool_result`")


def result_text(block: Block) -> str:
    content = block.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _tokens(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) // BYTES_A_TOKEN
