"""Calls to the gateway as a test makes them: waits are noted instead of slept, deltas and failures collected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from agentops.core.messages import Message, user
from agentops.core.models import Attempt, Delta, ModelAnswer, ModelRequest
from agentops.core.tools import ToolSpec
from agentops.gateway.gateway import Gateway
from agentops.gateway.pricing import Pricing

from .messages_server import Server, Turn, serving

SONNET = "claude-sonnet-4-6"
HAIKU = "claude-haiku-4-5"
LOOK_UP = ToolSpec("look_up", "Looks an order up.", {"type": "object", "properties": {}})


def request(
    *chain: str, system: str = "Be brief.", messages: list[Message] | None = None, **fields: Any
) -> ModelRequest:
    basis = ModelRequest(chain or (SONNET,), system, messages or [user("Hello")], [LOOK_UP])
    return replace(basis, **fields)


@dataclass
class Caller:
    """One client of one server."""

    server: Server
    gateway: Gateway
    waits: list[float]
    deltas: list[Delta] = field(default_factory=list)
    failed: list[Attempt] = field(default_factory=list)
    read: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first piece of an answer has arrived."""

    async def ask(self, asked: ModelRequest | None = None) -> ModelAnswer:
        return await self.gateway.complete(asked or request(), on_delta=self._show, on_failed_attempt=self.note)

    def _show(self, delta: Delta) -> None:
        self.deltas.append(delta)
        self.read.set()

    async def note(self, attempt: Attempt) -> None:
        self.failed.append(attempt)


@asynccontextmanager
async def calling(*turns: Turn, **options: Any) -> AsyncIterator[Caller]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with serving(*turns) as server:
        settings = {"api_key": "sk-secret", "base_url": server.url, "pricing": Pricing(), "sleep": sleep, **options}
        gateway = Gateway(**settings)
        try:
            yield Caller(server, gateway, waits)
        finally:
            await gateway.aclose()
