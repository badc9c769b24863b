"""Another maker's Messages server, as bare as one can be: no pings, no cache counts, CRLF, one byte-ragged stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW = "take your time"


class CompatibleServer(ThreadingHTTPServer):
    """Calls `look` once, then answers. A goal that says SLOW streams until the client goes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.streaming = threading.Event()
        self.left = threading.Event()
        """The client closed the connection in mid-stream."""
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CompatibleServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.partition("?")[0] != "/v1/messages" or not request.get("stream"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        goal = json.dumps(request["messages"][0])
        if SLOW in goal:
            self._until_the_client_goes()
            return
        told = [
            block for message in request["messages"] for block in _blocks(message) if block["type"] == "tool_result"
        ]
        block = (
            ("text", {"text": ""}, {"type": "text_delta", "text": f"All is well: {len(told)} look — ünïcödé."})
            if told
            else (
                "tool_use",
                {"id": "call-1", "name": "look", "input": {}},
                {"type": "input_json_delta", "partial_json": "{}"},
            )
        )
        stream = b"".join(_events(*block, stop="end_turn" if told else "tool_use"))
        for start in range(0, len(stream), 7):
            self._chunk(stream[start : start + 7])
        self._chunk(b"")

    def _until_the_client_goes(self) -> None:
        self._chunk(_event("message_start", message=_message()))
        self._chunk(_event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        piece = _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "and on "})
        try:
            while not self.server.over.wait(0.02):
                self._chunk(piece)
                self.server.streaming.set()
        except OSError:
            self.server.left.set()
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _message() -> dict[str, Any]:
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "home-made",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 0},
    }


def _events(kind: str, block: dict[str, Any], delta: dict[str, Any], stop: str) -> Iterator[bytes]:
    yield _event("message_start", message=_message())
    yield _event("content_block_start", index=0, content_block={"type": kind, **block})
    yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)
    yield _event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 5})
    yield _event("message_stop")


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\r\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\r\n\r\n".encode()
