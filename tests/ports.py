"""Ports for what a test starts: none that the system may give to an outgoing connection meanwhile."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

BELOW_OUTGOING = range(20_000, 32_000)
TRIES = 100


def free_port(*, following: int = 0) -> int:
    """One that nobody listens on, nor on the `following` ones after it. Raises OSError when none is found."""
    for port in random.SystemRandom().sample(BELOW_OUTGOING, TRIES):
        try:
            with ExitStack() as held:
                for number in range(port, port + following + 1):
                    held.enter_context(socket.create_server(("127.0.0.1", number)))
            return port
        except OSError:
            continue
    raise OSError(f"None of {TRIES} ports was free.")
