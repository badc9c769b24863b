"""Ending tasks for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN = 0.5
"""Seconds."""


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel them until they have ended.

    Once is not always enough: a cancellation in the very moment of an answer or of a time-out can get lost on its way
    (`asyncio.wait_for` before Python 3.12, and clients that take it for a lost connection and try again).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN)
