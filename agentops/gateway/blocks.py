"""One content block while it streams in; tool input that is not a JSON object is a problem, never `{}` to run."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn
from uuid import uuid4

from agentops.core.messages import Block, text
from agentops.core.models import Delta, ToolUse

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}


class BlockInProgress:
    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self._kind = start.get("type")
        self._pieces: dict[str, list[str]] = {name: [] for name in _FIELDS.values()}
        for name in ("text", "thinking", "signature"):
            if start.get(name):
                self._pieces[name].append(start[name])

    def opening(self) -> Delta | None:
        """What the start of the block already says: some servers send short blocks whole."""
        if self._kind == "tool_use":
            return Delta("tool_input", _dump(self._start.get("input") or ""), self._tool)
        if self._kind in ("text", "thinking"):
            return Delta(self._kind, self._joined(self._kind))
        return None

    def add(self, delta: dict[str, Any]) -> Delta | None:
        name = _FIELDS.get(delta.get("type", ""))
        if name is None:
            return None
        piece = delta[name]
        if not isinstance(piece, str):
            raise ValueError(f"a {delta['type']} without text")
        self._pieces[name].append(piece)
        if name == "signature":
            return None
        if name == "partial_json":
            return Delta("tool_input", piece, self._tool)
        return Delta(name, piece)

    def finished(self, ids: set[str]) -> tuple[Block | None, ToolUse | None]:
        """The block as it may be sent back (None when the API would refuse it) and the tool use it is. `ids` are
        taken already: each use needs its own."""
        if self._kind == "text":
            words = self._joined("text")
            return (text(words) if words.strip() else None), None
        if self._kind == "thinking":
            thought, signature = self._joined("thinking"), self._joined("signature")
            # The API takes thinking back only with its signature, which comes last.
            block = {"type": "thinking", "thinking": thought, "signature": signature}
            return (block if signature else None), None
        if self._kind == "redacted_thinking":
            return self._start, None
        if self._kind == "tool_use":
            use = self._tool_use(ids)
            return {"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}, use
        return None, None

    def _tool_use(self, ids: set[str]) -> ToolUse:
        identity = self._start.get("id")
        if not (isinstance(identity, str) and _NAME.fullmatch(identity)) or identity in ids:
            identity = f"toolu_{uuid4().hex}"
        arguments, problem = self._input()
        if not _NAME.fullmatch(self._tool):
            problem = problem or "the tool's name has characters that no tool's name has"
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", self._tool)[:128] or "unnamed"
        return ToolUse(identity, name, {} if problem else arguments, problem)

    def _input(self) -> tuple[dict[str, Any], str]:
        written = self._joined("partial_json")
        value: Any = self._start.get("input") or {}
        if written.strip():
            try:
                value = json.loads(written, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                return {}, f"not JSON: {error}"
        if not isinstance(value, dict):
            return {}, f"a JSON object was expected, it is a {type(value).__name__}"
        return value, ""

    @property
    def _tool(self) -> str:
        return str(self._start.get("name") or "")

    def _joined(self, name: str) -> str:
        return "".join(self._pieces[name])


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
