"""A program that uses the REST API through whatever happens to the server: it asks again until it has an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit


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

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list that fits into one page."""
        return list(self.get(path)["items"])

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Raises Refused for a 4xx, and Over when the harness ends first. A 5xx or no answer at all: once more."""
        while not self._over.is_set():
            try:
                status, answer = self._once(method, path, body, key)
            except (OSError, http.client.HTTPException):
                status, answer = 0, None
            if status and status < 400:
                return json.loads(answer) if answer else None
            if 400 <= status < 500 and status != 429:
                raise Refused(status, answer)
            self.repeats += 1
            time.sleep(0.2)
        raise Over

    def _once(self, method: str, path: str, body: Any, key: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, timeout=15)
        try:
            headers = self._headers | ({"Idempotency-Key": key} if key else {})
            connection.request(method, f"/api{path}", None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
