"""Tools whose effects are counted outside the database; they take their time before and after."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from agentops.core.tools import ToolContext
from agentops.tools import tool

from .ledger import Ledger


def _ledger() -> Ledger:
    return Ledger(Path(os.environ["ACCEPTANCE_LEDGER"]))


@tool(reads_only=True)
async def look(at: str = "all of it") -> str:
    """Look around."""
    return f"Nothing new: {at}."


@tool(tier="low", effect="Pay {what}")
async def pay(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Pay for something; calling twice pays twice. `before` and `after`: seconds it takes around the payment."""
    await asyncio.sleep(before)
    _ledger().pay(context.call_id)
    await asyncio.sleep(after)
    return f"Paid {what}."


def unregistering(arguments: dict[str, Any], data: Any) -> tuple[str, dict[str, Any]]:
    return "unregister", {"what": arguments["what"]}


@tool(tier="low", effect="Unregister {what}", idempotent=True)
async def unregister(what: str) -> str:
    """Take a registration back."""
    return f"Unregistered {what}."


@tool(tier="low", effect="Register {what}", idempotent=True, undo=unregistering)
async def register(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Register something under the call's own key; once however often it is called."""
    await asyncio.sleep(before)
    _ledger().register(context.call_id)
    await asyncio.sleep(after)
    return f"Registered {what}."


@tool(tier="medium", effect="Publish {what}")
async def publish(context: ToolContext, what: str) -> str:
    """Publish something."""
    _ledger().pay(context.call_id)
    return f"Published {what}."
