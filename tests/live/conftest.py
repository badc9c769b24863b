"""A hub with a quick heartbeat, and browsers that talk to it through the real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis.asyncio
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client

from agentops.live import hub as hub_module
from agentops.live.hub import Hub
from agentops.live.threads import in_thread
from agentops.routing import websocket_application
from tests.live import rows

PATIENCE = 20


class Browser(ApplicationCommunicator):
    """One socket as the web server sees it. Reading ends the test when nothing comes for long."""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        bare, _, query = path.partition("?")
        scope = {"type": "websocket", "path": bare, "query_string": query.encode(), "headers": headers}
        super().__init__(websocket_application, scope)

    async def connect(self) -> bool:
        await self.send_input({"type": "websocket.connect"})
        accepted: bool = (await self.receive_output(PATIENCE))["type"] == "websocket.accept"
        return accepted

    async def say(self, **content: Any) -> None:
        await self.send_input({"type": "websocket.receive", **content})

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(PATIENCE)

    async def frame(self) -> dict[str, Any]:
        message = await self.receive_output(PATIENCE)
        if message["type"] == "websocket.close":
            return {"type": "closed", "code": message["code"]}
        content: dict[str, Any] = json.loads(message["text"])
        return content

    async def until(self, *types: str) -> dict[str, Any]:
        while (frame := await self.frame())["type"] not in types:
            pass
        return frame

    async def events(self, last: int) -> list[int]:
        """The numbers of all events up to this one."""
        numbers: list[int] = []
        while not numbers or numbers[-1] < last:
            numbers.append((await self.until("event"))["seq"])
        return numbers

    async def code(self) -> int:
        code: int = (await self.until("closed"))["code"]
        return code


Open = Callable[..., Any]


@pytest.fixture
def beat() -> float:
    """Seconds between heartbeats; a test may be parametrised with another."""
    return 0.1


@pytest.fixture
async def hub(transactional_db: None, beat: float) -> AsyncIterator[Hub]:
    loop = asyncio.get_running_loop()
    hub = hub_module._hubs[loop] = Hub(beat=beat)
    yield hub
    await hub.close()


@pytest.fixture
async def opened(hub: Hub) -> AsyncIterator[Open]:
    """Opens a socket as the person of this client, or of nobody."""
    browsers: list[Browser] = []

    async def open_socket(
        path: str,
        client: Client | None = None,
        *,
        origin: str = "http://localhost:8000",
        accepted: bool = True,
    ) -> Browser:
        headers = [(b"host", b"localhost:8000"), (b"origin", origin.encode())]
        if client:
            headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
        browser = Browser(path, headers)
        browsers.append(browser)
        assert await browser.connect() is accepted
        return browser

    yield open_socket
    for browser in browsers:
        await browser.disconnect()


@pytest.fixture
async def team(transactional_db: None) -> Any:
    return await in_thread(rows.make_team)


@pytest.fixture
async def viewer(team: Any) -> Client:
    return await in_thread(lambda: rows.sign_in(rows.make_person(team)))


@pytest.fixture
async def server() -> AsyncIterator[redis.asyncio.Redis]:
    """The Redis server itself, to look at and to hurt."""
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    yield client
    await client.aclose()
