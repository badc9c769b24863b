"""From commit to browser: 500 sockets on one run and on 500 runs, the real web process and Redis in between.

Events are committed and announced as the worker does it; text goes out in pieces, as a model streams it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from agentops import env
from agentops.devstack import stack
from agentops.live.stream import Broadcaster
from runs.models import Run

from . import rows
from .result import Result

VIEWERS, SECONDS = 500, 10
EVENTS, PIECES = 20, 180
"""A second, of the one run; the 500 runs have as many messages together, all of them events."""
PATIENCE = 60

COMMIT = """
WITH run AS (UPDATE runs_run SET seq = seq + 1 WHERE id = %s RETURNING id, seq)
INSERT INTO runs_event (run_id, seq, kind, data, at)
SELECT id, seq, 'step.opened', jsonb_build_object('at', %s::double precision), now() FROM run RETURNING seq
"""


def measure() -> Iterator[Result]:
    person, _ = get_user_model().objects.get_or_create(username="bench", defaults={"is_superuser": True})
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    with _web() as url:
        one = rows.queue(rows.agent(), 1) * VIEWERS
        many = rows.queue(rows.agent(), VIEWERS)
        for what, runs in (("one run", one), (f"{VIEWERS} runs", many)):
            yield from _watched(what, url, f"{name}={client.cookies[name].value}", runs)


def _watched(what: str, url: str, cookie: str, runs: list[Run]) -> Iterator[Result]:
    shared = runs[0] is runs[-1]
    each = EVENTS * SECONDS if shared else (EVENTS + PIECES) * SECONDS // len(runs)
    task = {
        "url": url,
        "cookie": cookie,
        "paths": [f"/ws/runs/{run.pk}?after=0" for run in runs],
        "last": each,
        "pieces": PIECES * SECONDS if shared else 0,
        "seconds": SECONDS + PATIENCE,
    }
    command = [sys.executable, "-m", "benchmarks.viewers"]
    viewers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert viewers.stdin and viewers.stdout
    try:
        print(json.dumps(task), file=viewers.stdin, flush=True)
        if viewers.stdout.readline().strip() != "ready":
            raise RuntimeError("The viewers did not come in.")
        begin = time.perf_counter()
        asyncio.run(_talk(runs if not shared else runs[:1], each, task["pieces"]))
        rate = len(set(runs)) * each + task["pieces"]
        rate /= time.perf_counter() - begin
        seen = json.loads(viewers.stdout.readline())
    finally:
        viewers.kill()
        viewers.wait()
    name = f"{VIEWERS} viewers on {what}"
    lost = VIEWERS * (each + task["pieces"]) - seen["events"] - seen["pieces"] + seen["resyncs"]
    yield Result(f"{name}: messages said", "/s", rate)
    yield Result(f"{name}: messages lost", "of all", lost, 0, higher_is_better=False)
    yield Result(f"{name}: commit to browser, p50", "ms", seen["p50"], 50, higher_is_better=False)
    yield Result(f"{name}: commit to browser, p99", "ms", seen["p99"], 250, higher_is_better=False)


async def _talk(runs: list[Run], events: int, pieces: int) -> None:
    """All in SECONDS, evenly, if the machine can."""
    broadcaster = Broadcaster()
    messages = len(runs) * events + pieces
    begin = asyncio.get_running_loop().time()
    spoken = 0
    for number in range(messages):
        await asyncio.sleep(max(0, begin + number * SECONDS / messages - asyncio.get_running_loop().time()))
        run = runs[number % len(runs)]
        if pieces and (number + 1) * events // messages == number * events // messages:
            spoken += 1
            broadcaster.delta(run.pk, 1, "text", f"{spoken} ")
        else:
            seq, at = await asyncio.to_thread(_commit, run)
            broadcaster.event(run.pk, run.team_id, [{"seq": seq, "kind": "step.opened", "data": {"at": at}}])
    await broadcaster.close()


def _commit(run: Run) -> tuple[int, float]:
    """Its number, and when its commit began."""
    at = time.time()
    try:
        with connection.cursor() as cursor:
            cursor.execute(COMMIT, [run.pk, at])
            return cursor.fetchone()[0], at
    finally:
        connection.close()


@contextmanager
def _web() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = stack.web(replace(env.load(), bind="127.0.0.1", port=port))
    options = service.popen_options()
    options["env"] = os.environ | options["env"]
    process = subprocess.Popen(**options)
    try:
        deadline = time.monotonic() + PATIENCE
        while not service.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The web server did not start.")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
