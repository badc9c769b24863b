"""Hints to workers may be lost; whoever sends one must not wait for a broker that hangs."""

from __future__ import annotations

import socket
import threading

from kombu.exceptions import OperationalError

from agentops.celery import app
from runs.tasks import advance

PATIENCE = 30.0


def test_a_broker_that_takes_connections_and_never_answers_is_given_up() -> None:
    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"

        def send() -> None:
            with app.connection_for_write(url) as connection:
                try:
                    advance.apply_async(args=["any"], connection=connection, retry=False)
                except OperationalError:
                    given_up.set()

        threading.Thread(target=send, daemon=True).start()
        assert given_up.wait(PATIENCE)
