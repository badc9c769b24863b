"""A process of many browsers, as far as sockets go: opens them all, reads to the last event, says what arrived when.

In: one line of JSON {url, cookie, paths, last, pieces, seconds}. Out: `ready`, then one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

AT_ONCE = 25
"""Sockets that open at the same time: people do not come all in one moment."""


@dataclass
class Seen:
    events: set[int] = field(default_factory=set)
    pieces: int = 0
    resyncs: int = 0
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    """With the first heartbeat: text that was streamed before is not repeated."""
    milliseconds: list[float] = field(default_factory=list)


async def watch(socket: ClientConnection, seen: Seen, last: int, pieces: int) -> None:
    async for message in socket:
        now = time.time()
        frame: dict[str, Any] = json.loads(message)
        if frame["type"] == "event":
            seen.events.add(frame["seq"])
            seen.milliseconds.append((now - frame["data"]["at"]) * 1000)
        elif frame["type"] == "delta":
            seen.pieces += frame["text"].count(" ")
        elif frame["type"] == "heartbeat":
            seen.joined.set()
        elif frame["type"] == "resync":
            seen.resyncs += 1
        if len(seen.events) >= last and seen.pieces >= pieces:
            return


async def main() -> None:
    task = json.loads(sys.stdin.readline())
    gate = asyncio.Semaphore(AT_ONCE)
    host = task["url"].removeprefix("http://")

    async def open_socket(path: str) -> ClientConnection:
        async with gate:
            cookie = {"Cookie": task["cookie"]}
            return await connect(
                f"ws://{host}{path}", origin=task["url"], additional_headers=cookie, compression=None, max_queue=None
            )

    sockets = await asyncio.gather(*map(open_socket, task["paths"]))
    seen = [Seen() for _ in sockets]
    watching = [
        asyncio.create_task(watch(socket, each, task["last"], task["pieces"]))
        for socket, each in zip(sockets, seen, strict=True)
    ]
    async with asyncio.timeout(task["seconds"]):
        await asyncio.gather(*(each.joined.wait() for each in seen))
    print("ready", flush=True)
    await asyncio.wait(watching, timeout=task["seconds"])
    for each in watching:
        each.cancel()
    took = sorted(ms for each in seen for ms in each.milliseconds)
    print(
        json.dumps(
            {
                "events": sum(len(each.events) for each in seen),
                "pieces": sum(each.pieces for each in seen),
                "resyncs": sum(each.resyncs for each in seen),
                "p50": took[len(took) // 2] if took else None,
                "p99": took[int(len(took) * 0.99)] if took else None,
            }
        ),
        flush=True,
    )
    for socket in sockets:
        socket.transport.abort()


uvloop.run(main())
