"""Refuses a long body where anybody may send one, before it is read: Django would take all of it in first.

Most clients look for an answer once they have sent everything, and find a reset connection when nobody took it. So
the refusal is said at once, and what still comes is let go by, within bounds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LET_BY = 16 * 1024 * 1024
"""Bytes of a refused body that are taken off the line, and thrown away."""
LET_BY_SECONDS = 10.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class ShortBodies:
    """Around an ASGI application: under `prefix` at most `most` bytes of a body are read, whatever was announced."""

    def __init__(self, inside: Application, prefix: str, most: int) -> None:
        self.inside, self.prefix, self.most = inside, prefix, most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(self.prefix):
            await self.inside(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        body = bytearray()
        more = True
        while more and len(body) <= self.most and not (announced.isdigit() and int(announced[:12]) > self.most):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if more or len(body) > self.most:
            await self._refuse(send, receive if more else None)
            return
        await self.inside(scope, _again(bytes(body), receive), send)

    async def _refuse(self, send: Send, rest: Receive | None) -> None:
        detail = f"The body is too large: {self.most // 1024} kB is the most here."
        said = {"type": "about:blank", "title": "Content Too Large", "status": 413, "detail": detail}
        body = json.dumps(said).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        # The answer is whole with this; that there is more keeps the connection open for what the client still sends.
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if rest is not None:
            await _let_by(rest)
        await send({"type": "http.response.body", "body": b""})


async def _let_by(receive: Receive) -> None:
    left = LET_BY
    try:
        async with asyncio.timeout(LET_BY_SECONDS):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return


def _again(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then what else comes: that the client left, say."""
    whole = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return whole.pop() if whole else await receive()

    return read
