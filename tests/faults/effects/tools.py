"""Tools of every risk whose effects are counted outside the database. `before`, `after`: seconds around the effect."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentops.core.tools import ToolContext
from agentops.tools import tool

from .ledger import Ledger


def _ledger() -> Ledger:
    return Ledger(Path(os.environ["FAULTS_LEDGER"]))


@tool(reads_only=True)
async def look(what: str) -> str:
    """Look at something."""
    await asyncio.sleep(0.01)
    return f"{what} is as it was."


async def _slowly(context: ToolContext, tool: str, what: str, before: float, after: float) -> str:
    with _ledger().at_work(context.call_id, tool, {"what": what, "before": before, "after": after}) as do:
        await asyncio.sleep(before)
        do()
        await asyncio.sleep(after)
    return f"{what}: done."


def _in_a_thread(context: ToolContext, tool: str, what: str, before: float, after: float) -> str:
    with _ledger().at_work(context.call_id, tool, {"what": what, "before": before, "after": after}) as do:
        time.sleep(before)
        do()
        time.sleep(after)
    return f"{what}: done."


def _by(back: str) -> Callable[[dict[str, Any], Any], tuple[str, dict[str, Any]]]:
    """The way back of a call: this tool, about the same and as slow."""

    def undo(arguments: dict[str, Any], data: Any) -> tuple[str, dict[str, Any]]:
        return back, arguments

    return undo


@tool(tier="low", effect="Pay {what}", undo=_by("refund"))
async def pay(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Pay for something; calling twice pays twice."""
    return await _slowly(context, "pay", what, before, after)


@tool(tier="low", effect="Refund {what}")
async def refund(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Take a payment back; calling twice refunds twice."""
    return await _slowly(context, "refund", what, before, after)


@tool(tier="low", effect="Register {what}", idempotent=True, undo=_by("unregister"))
async def register(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Register something under the call's own key: once, however often it is called."""
    return await _slowly(context, "register", what, before, after)


@tool(tier="low", effect="Unregister {what}", idempotent=True)
async def unregister(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Take a registration back: what is not registered stays so."""
    return await _slowly(context, "unregister", what, before, after)


@tool(tier="medium", effect="Publish {what}", undo=_by("retract"))
def publish(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Publish something."""
    return _in_a_thread(context, "publish", what, before, after)


@tool(tier="medium", effect="Retract {what}")
def retract(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Take back what was published."""
    return _in_a_thread(context, "retract", what, before, after)


@tool(tier="high", effect="Wire {what}")
async def wire(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Wire money for something."""
    return await _slowly(context, "wire", what, before, after)


@tool(tier="high", effect="Fax {what}")
def fax(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Fax something, as long as somebody says so in time."""
    return _in_a_thread(context, "fax", what, before, after)


@tool(tier="critical", effect="Erase {what}")
async def erase(context: ToolContext, what: str, before: float = 0.0, after: float = 0.0) -> str:
    """Erase something for good; no agent ever does."""
    return await _slowly(context, "erase", what, before, after)
