"""A simulator for any test: request `simulator_url`."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from agentops.simulator.server import application


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    """Its base URL, as `ANTHROPIC_BASE_URL` takes it. It answers without delay; any key will do."""
    with running() as url:
        yield url


@contextmanager
def running() -> Iterator[str]:
    os.environ["AGENTOPS_SIMULATOR_SPEED"] = "0"
    config = uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # It listens from here on: who connects before the server serves is queued by the kernel, not refused.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
