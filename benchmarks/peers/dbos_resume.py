"""DBOS: from a message sent by one process to the next step of the workflow that waits for it in another.

In, as the last argument: JSON {dsn, waiting, decided}. Out: the milliseconds of each, as a line of JSON. With `send`
before it this is the other process: reads a workflow's id a line, answers with the time just before it sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import measuring
from dbos import DBOS, DBOSClient

PATIENCE_SECONDS = 600.0
started: dict[str, asyncio.Future[float]] = {}
waiting: asyncio.Queue[str] = asyncio.Queue()


@DBOS.step()
async def act() -> float:
    return time.time()


@DBOS.workflow()
async def agent() -> None:
    name = DBOS.workflow_id or ""
    await waiting.put(name)
    await DBOS.recv_async("decision", timeout_seconds=PATIENCE_SECONDS)
    at = await act()
    if name in started:
        started[name].set_result(at)


def send(dsn: str) -> None:
    client = DBOSClient(system_database_url=dsn)
    print("ready", flush=True)
    for line in sys.stdin:
        at = time.time()
        client.send(line.strip(), "approve", "decision")
        print(at, flush=True)


async def main(dsn: str, count: int, decided: int) -> list[float]:
    command = [sys.executable, __file__, "send", sys.argv[-1]]
    sender = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert sender.stdin and sender.stdout
    try:
        await sender.stdout.readline()
        handles = [await DBOS.start_workflow_async(agent) for _ in range(count)]
        for _ in range(count):
            await waiting.get()
        took = []
        for handle in handles[:decided]:
            name = handle.workflow_id
            started[name] = asyncio.get_running_loop().create_future()
            sender.stdin.write(f"{name}\n".encode())
            sent = float(await sender.stdout.readline())
            took.append((await started[name] - sent) * 1000)
        return took
    finally:
        sender.kill()
        await sender.wait()


def run() -> None:
    given = measuring.given()
    if sys.argv[1] == "send":
        send(given["dsn"])
        return
    DBOS(config={"name": "bench", "system_database_url": given["dsn"], "log_level": "ERROR"})
    DBOS.launch()
    print(json.dumps(asyncio.run(main(given["dsn"], given["waiting"], given["decided"]))), flush=True)
    os._exit(0)  # the others wait for good: nothing is to be drained


run()
