"""A server that speaks just enough of the Messages API to misbehave in every way the gateway must survive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Turn = Callable[["Server", web.Request], Awaitable[web.StreamResponse]]
Event = dict[str, Any]


@dataclass
class Server:
    """Answers request N with turn N, and the last turn from then on; remembers what it was asked."""

    turns: list[Turn] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    streaming: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a turn that hangs has sent what it has to send."""
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client left a turn that hangs."""

    @property
    def models(self) -> list[str]:
        return [body["model"] for body in self.bodies]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        return await self.turns[min(len(self.bodies), len(self.turns)) - 1](self, request)


@asynccontextmanager
async def serving(*turns: Turn) -> AsyncIterator[Server]:
    server = Server(list(turns))
    app = web.Application()
    app.router.add_post("/v1/messages", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


# ── events ─────────────────────────────────────────────────────────────────────────────────────


def start(**usage: int) -> Event:
    return {"type": "message_start", "message": {"id": "msg_1", "usage": usage or {"input_tokens": 10}}}


def block(index: int, **content: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **content: Any) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **content}}


def end(stop_reason: str = "end_turn", **usage: int) -> list[Event]:
    return [
        {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage or {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


def text(words: str, index: int = 0) -> list[Event]:
    return [
        block(index, type="text", text=""),
        delta(index, "text_delta", text=words),
        {"type": "content_block_stop", "index": index},
    ]


def tool(*pieces: str, index: int = 0, name: str = "look_up", use_id: str = "toolu_1") -> list[Event]:
    return [
        block(index, type="tool_use", id=use_id, name=name, input={}),
        *(delta(index, "input_json_delta", partial_json=piece) for piece in pieces),
    ]


# ── turns ──────────────────────────────────────────────────────────────────────────────────────


def answer(*events: Event) -> Turn:
    return sends(*events)


def says(words: str) -> Turn:
    return answer(start(), *text(words), *end())


def sends(*events: Event | bytes, then: str = "end") -> Turn:
    """Streams the events; `then` the stream ends, the connection drops (`drop`) or nothing more comes (`hang`)."""

    async def turn(server: Server, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "request-id": "req_1"})
        await response.prepare(request)
        for event in events:
            if isinstance(event, bytes):
                await response.write(event)
            else:
                await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        if then == "drop":
            assert request.transport is not None
            request.transport.close()
        elif then == "hang":
            server.streaming.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                server.hung_up.set()
                raise
        return response

    return turn


def refuses(status: int, kind: str = "api_error", message: str = "no", **headers: str) -> Turn:
    async def turn(server: Server, request: web.Request) -> web.StreamResponse:
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return web.json_response(
            body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return turn


def returns(body: str, content_type: str = "text/html", status: int = 200) -> Turn:
    async def turn(server: Server, request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type=content_type, status=status)

    return turn


async def drops(server: Server, request: web.Request) -> web.StreamResponse:
    """Closes the connection without a word."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
