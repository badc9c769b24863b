"""The ASGI application: the Messages API's addresses, its errors, faults on request, and the demo's pages."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from . import events, scripted, scripts, site
from .requests import BadRequest, Request, load, parse
from .turns import Fault, Turn

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

DEMO_DELAY_MS = 20.0
"""Between two pieces of text, so that a person sees it stream; AGENTOPS_SIMULATOR_SPEED multiplies it, 0 for none."""

LAST_EVENTS = b"event: message_delta"

ERRORS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    route = (scope["method"], scope["path"])
    if route == ("GET", "/healthz"):
        await _json(send, 200, {"status": "ok"})
    elif route[0] == "GET" and route[1].startswith(site.PREFIX):
        found = site.page(route[1])
        html = [(b"content-type", b"text/html; charset=utf-8")]
        await _respond(send, 200 if found else 404, found or b"<p>There is no such page.</p>", html)
    elif not headers.get("x-api-key") and not headers.get("authorization"):
        await _error(send, 401, "x-api-key header is required")
    elif route == ("GET", "/v1/models"):
        await _json(send, 200, {"data": [], "has_more": False})
    elif route in (("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens")):
        await _messages(scope["path"], headers, receive, send)
    else:
        await _error(send, 404, f"There is no {scope['method']} {scope['path']} here.")


async def _messages(path: str, headers: dict[str, str], receive: Receive, send: Send) -> None:
    body = await _body(receive)
    try:
        if path.endswith("count_tokens"):
            body = json.dumps({"max_tokens": 1, **load(body)}).encode()
        request = parse(body, int(headers.get("x-attempt", "1")))
        if path.endswith("count_tokens"):
            usage = request.usage("")
            total = sum(count for name, count in usage.items() if name != "output_tokens")
            await _json(send, 200, {"input_tokens": total})
            return
        turn = (
            scripts.summarised(request)
            or scripts.judged(request)
            or (scripted.turn(request) if request.model.startswith("sim-") else scripts.turn(request))
        )
    except BadRequest as error:
        await _error(send, 400, str(error))
        return
    fault = turn.fault if turn.fault and request.attempt <= turn.fault.attempts else None
    if fault and fault.kind.isdigit():
        await _error(send, int(fault.kind), "A fault that the script asked for.", fault.retry_after)
    elif fault and fault.kind == "garbage":
        await _respond(send, 200, b"<html>not what you asked for</html>", [(b"content-type", b"text/html")])
    elif request.stream:
        await _stream(receive, send, request, turn, fault)
    else:
        await _json(send, 200, events.envelope(request, turn))


async def _stream(receive: Receive, send: Send, request: Request, turn: Turn, fault: Fault | None) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"request-id", b"req_simulated")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    delay = _delay(turn)
    pieces = 0
    for event, is_piece in events.stream(request, turn):
        # A turn with fewer pieces breaks before its end, so that a fault never goes missing.
        if fault and (event.startswith(LAST_EVENTS) or (is_piece and pieces >= fault.after_deltas)):
            await _break_off(receive, send, fault)
            return
        if is_piece:
            pieces += 1
            if delay:
                await asyncio.sleep(delay)
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _break_off(receive: Receive, send: Send, fault: Fault) -> None:
    if fault.kind == "drop":
        # Ending the application without ending the response makes the server close the connection.
        return
    if fault.kind == "stall":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    last = {
        "malformed": b"event: content_block_delta\ndata: {not json\n\n",
        "stream_error": events.encode("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        "cut": b"",
    }[fault.kind]
    await send({"type": "http.response.body", "body": last, "more_body": False})


def _delay(turn: Turn) -> float:
    if turn.delay_ms is not None:
        return turn.delay_ms / 1000
    return DEMO_DELAY_MS / 1000 * float(os.environ.get("AGENTOPS_SIMULATOR_SPEED") or 1)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _error(send: Send, status: int, message: str, retry_after: float | None = None) -> None:
    kind = ERRORS.get(status, "overloaded_error" if status == 529 else "api_error")
    headers = [(b"retry-after", str(retry_after).encode())] if retry_after is not None else []
    body = {"type": "error", "error": {"type": kind, "message": message}}
    await _respond(send, status, json.dumps(body).encode(), [(b"content-type", b"application/json"), *headers])


async def _json(send: Send, status: int, body: dict[str, Any]) -> None:
    await _respond(send, status, json.dumps(body).encode(), [(b"content-type", b"application/json")])


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
