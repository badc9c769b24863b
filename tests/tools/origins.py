"""Small web servers on loopback, and a name service of the test's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver, ResolveResult

Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def response(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> bytes:
    given = {"Content-Type": "text/plain", "Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


class Site:
    """Answers by path, and keeps what it was asked."""

    def __init__(self, port: int, answers: dict[str, Answer]) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.port = port
        self.answers = answers
        self.asked: list[str] = []


@asynccontextmanager
async def site(**answers: Answer) -> AsyncIterator[Site]:
    """`index` is `/`; any other name is the path of that name."""
    by_path = {"/" if name == "index" else f"/{name}": answer for name, answer in answers.items()}
    made: list[Site] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            made[0].asked.append(head)
            answer = made[0].answers.get(head.split(" ")[1].partition("?")[0], response(status="404 Not Found"))
            if callable(answer):
                await answer(reader, writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.append(Site(server.sockets[0].getsockname()[1], by_path))
    try:
        yield made[0]
    finally:
        server.close()


class Names(AbstractResolver):
    """Gives each name its addresses, one list a look-up, the last one for ever."""

    def __init__(self, **names: list[str]) -> None:
        self._names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self._names[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        version = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=version, proto=0, flags=0)]

    async def close(self) -> None:
        return
