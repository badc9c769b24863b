"""Through the real web server: what a browser gets to see."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentops.live.threads import in_thread
from agentops.routing import websocket_application
from tests.live import rows


@pytest.fixture
async def address(hub):
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(websocket_application, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving
    listening.close()


async def test_events_arrive(address, team, viewer):
    run = await in_thread(rows.make_run, team, events=2)
    cookie = f"sessionid={viewer.cookies['sessionid'].value}"
    url = f"ws://{address}/ws/runs/{run.pk}?after=1"
    async with connect(url, origin=f"http://{address}", additional_headers={"Cookie": cookie}) as browser:
        assert json.loads(await browser.recv())["seq"] == 2


async def test_a_browser_learns_why_it_was_closed(address):
    async with connect(f"ws://{address}/ws/overview", origin=f"http://{address}") as browser:
        with pytest.raises(ConnectionClosed) as closed:
            await browser.recv()
    assert closed.value.rcvd.code == 4401


async def test_a_page_from_elsewhere_gets_no_socket(address):
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/ws/overview", origin="http://evil.example")
    assert refused.value.response.status_code == 403
