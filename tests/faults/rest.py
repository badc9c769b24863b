"""A program that uses the REST API through whatever happens to the server: it asks again until it has an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from runs import hooks


class Refused(Exception):
    """The server understood and said no."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{status}: {problem}")
        self.status = status


class Over(Exception):
    """Nobody wants the answer any more."""


class Rest:
    def __init__(self, address: str, token: str, over: threading.Event) -> None:
        self._host = urlsplit(address).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._over = over
        self.repeats = 0
        """How often a request had to be made again."""

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Raises Refused for a 4xx, and Over when the harness ends first. A 5xx or no answer at all: once more."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return self._until_answered(method, f"/api{path}", lambda: (b"" if body is None else _json(body), headers))

    def deliver(self, address: str, secret: str, number: str) -> Any:
        """Send a webhook's delivery, signed anew each time. Raises as `ask` does."""

        def signed() -> tuple[bytes, dict[str, str]]:
            body = _json({"delivery": number})
            headers = {"X-AgentOps-Delivery": number, hooks.HEADER: hooks.sign(secret, int(time.time()), body)}
            return body, headers | {"Content-Type": "application/json"}

        return self._until_answered("POST", urlsplit(address).path, signed)

    def _until_answered(self, method: str, path: str, make: Callable[[], tuple[bytes, dict[str, str]]]) -> Any:
        while not self._over.is_set():
            try:
                status, answer = self._once(method, path, *make())
            except (OSError, http.client.HTTPException):
                status, answer = 0, None
            if status and status < 400:
                return json.loads(answer) if answer else None
            if 400 <= status < 500 and status != 429:
                raise Refused(status, answer)
            self.repeats += 1
            time.sleep(0.2)
        raise Over

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, timeout=15)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
