"""One event loop a worker process, which carries all its runs; Celery's threads only wait for them.

The loop never touches the database: the journal runs on a few executor threads. A heartbeat, on a thread of its own,
renews every lease in one statement; a control channel brings "cancel" and "pause" at once, and the heartbeat finds them
when Redis is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import psutil
import structlog
from celery.signals import worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import Error as DatabaseError

from agentops.core.models import Model
from agentops.live import control
from agentops.live.ending import end
from agentops.live.stream import Broadcaster
from agentops.version import version

from . import assembly, estimating, fairness, lease
from .carrying import carry
from .committing import Means, give_back_connections, keep_connection, returning_connection
from .lease import Lease
from .wake import hint

try:
    from uvloop import new_event_loop as new_loop
except ImportError:  # a system that it does not run on
    from asyncio import new_event_loop as new_loop

T = TypeVar("T")
log = structlog.get_logger(__name__)

DATABASE_THREADS = 4
GRACE_SECONDS = 12.0
"""How long runs may go on to their next step's boundary after SIGTERM."""
SLOTS = 500
"""Runs at once, where nobody says otherwise."""
FAREWELL_SECONDS = 2.0


@dataclass(slots=True)
class Active:
    lease: Lease
    task: asyncio.Task[bool]
    cut: bool = False
    """A second cancellation would cut off the effects that the first one sees through."""


class Worker:
    def __init__(self, model: Model | None = None, slots: int = SLOTS) -> None:
        self._model = model
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.slots = slots
        self.engaged = 0
        """Slots in use: those that carry a run, and those that look for one."""
        self.active: dict[str, Active] = {}
        self.executor = ThreadPoolExecutor(DATABASE_THREADS, "journal", initializer=keep_connection)
        self._pulse = ThreadPoolExecutor(1, "heartbeat", initializer=keep_connection)
        """Leases do not wait for a thread behind what waits for locks in the journal."""
        self.loop = new_loop()
        self._ready = threading.Event()
        self._stopping = False
        self._served: dict[int, None] = {}
        self._started_at = datetime.now(UTC).isoformat()
        self._process = psutil.Process()
        threading.Thread(target=self._run_loop, name="engine", daemon=True).start()
        self._ready.wait()

    def advance(self, run_id: str) -> None:
        """Take this run, or the one whose turn it is; blocks the calling thread until no run wants its slot."""
        asyncio.run_coroutine_threadsafe(self._advance(run_id), self.loop).result()

    def stop(self) -> None:
        """Ask every run to leave at its next boundary; after the grace time, cut them off. Called on SIGTERM."""
        self.loop.call_soon_threadsafe(self._stop)

    def close(self) -> None:
        """End the loop and what it does for itself; for a process that goes on without its worker."""
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        for executor, threads in ((self.executor, DATABASE_THREADS), (self._pulse, 1)):
            give_back_connections(executor, threads)
            executor.shutdown()

    def say_goodbye(self) -> None:
        """This process ends now: let nobody wait for another sign of life."""
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._presence.end(), self.loop).result(FAREWELL_SECONDS)

    # ── the loop's side ────────────────────────────────────────────────────────────────────────

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self._ready.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        self._presence = control.Presence(self.name)
        self._news = asyncio.Event()
        self.means = Means(self.executor, Broadcaster(), self._model or assembly.gateway(), estimating.of_state)
        self._tasks = [
            self.loop.create_task(self._heartbeat()),
            self.loop.create_task(control.listen(self._obey)),
        ]

    async def _close(self) -> None:
        await end(self._tasks)
        await self.means.broadcaster.close()
        await self._presence.end()

    async def _advance(self, run_id: str) -> None:
        self.engaged += 1
        try:
            await self._carry_on(run_id)
        finally:
            self.engaged -= 1

    async def _carry_on(self, run_id: str) -> None:
        """One run after another: while the one that has left wants to go on at once, there is a due run for this slot.

        There are as many hints as due runs; so a slot whose hint was for a run that is not the one it took loses none.
        """
        while not self._stopping and (held := await self._take(run_id)):
            run_id = held.run_id
            if stale := self.active.get(run_id):
                # Its lease ran out in this very worker; the new one begins when it has let go.
                self._cut(run_id, stale.lease)
                await asyncio.wait({stale.task})
            held.release_asked = self._stopping
            task = self.loop.create_task(carry(held, self.means))
            self.active[run_id] = Active(held, task)
            try:
                if not await task:
                    return
            except asyncio.CancelledError:
                if not task.cancelled():
                    raise
                return
            finally:
                if self.active.get(run_id) and self.active[run_id].lease is held:
                    del self.active[run_id]
            if self._stopping:
                await self._in_thread(partial(hint, run_id))

    async def _take(self, wanted: str) -> Lease | None:
        """The run that is asked for while half of the slots are free; after that, whichever has its turn."""
        if self.engaged <= self.slots // 2 and wanted not in self.active:
            held = await self._in_thread(partial(lease.acquire, wanted, self.name))
            if held:
                return held
        held = await self._in_thread(partial(lease.acquire_fairest, self.name, list(self._served)))
        if held:
            # Moved to the end: with few slots, teams that have none running take turns.
            self._served.pop(held.team_id, None)
            self._served[held.team_id] = None
        return held

    async def _heartbeat(self) -> None:
        interval = settings.AGENTOPS_LEASE_SECONDS / 4
        lag = 0.0
        while True:
            held = [active.lease for active in self.active.values()]
            try:
                lost = await self._in_thread(partial(lease.renew, held), self._pulse)
            except DatabaseError as error:
                # Of any kind: without its heartbeat this worker would lose every run and take them again.
                log.warning("heartbeat_failed", error=str(error))
                lost = [one for one in held if one.expired]
            for one in lost:
                self._cut(one.run_id, one)
            await self._presence.show(self._facts(lag))
            if self.engaged >= self.slots:
                await self._make_room()
            lag = await self._rest(interval)

    async def _rest(self, seconds: float) -> float:
        """Until it is time, or there is news. Returns by how many milliseconds the loop was late."""
        begin = self.loop.time()
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return max(0.0, (self.loop.time() - begin - seconds) * 1000)
        self._news.clear()
        return 0.0

    def _facts(self, lag: float) -> dict[str, Any]:
        return {
            "version": version(),
            "protocol": lease.PROTOCOL,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "slots": self.slots,
            "active": len(self.active),
            "draining": self._stopping,
            "started_at": self._started_at,
            "lag_ms": round(lag, 1),
            "memory_bytes": self._process.memory_info().rss,
        }

    async def _make_room(self) -> None:
        """Every slot is in use: ask runs of teams that have more than their share to leave for those that wait."""
        try:
            loads = await self._in_thread(partial(fairness.loads, self.name, lease.PROTOCOL), self._pulse)
        except DatabaseError as error:
            log.warning("fairness_not_known", error=str(error))
            return
        for team_id, count in fairness.to_leave(loads).items():
            theirs = [active.lease for active in self.active.values() if active.lease.team_id == team_id]
            staying = [one for one in theirs if not one.release_asked]
            asked = max(0, count - (len(theirs) - len(staying)))
            for one in staying[:asked]:
                one.release_asked = True
            if asked:
                log.info("making_room", team=team_id, runs=min(asked, len(staying)))

    async def _obey(self, run_id: str, order: str) -> None:
        active = self.active.get(run_id)
        if active and order == "pause":
            active.lease.pause_asked = True
        elif active and order == "cancel":
            self._cut(run_id, active.lease)

    def _cut(self, run_id: str, held: Lease) -> None:
        active = self.active.get(run_id)
        if active and active.lease is held and not active.cut:
            held.valid_until, active.cut = 0.0, True
            active.task.cancel()

    def _stop(self) -> None:
        self._stopping = True
        for active in self.active.values():
            active.lease.release_asked = True
        self._news.set()
        self.loop.call_later(GRACE_SECONDS, self._cut_all)

    def _cut_all(self) -> None:
        for run_id, active in list(self.active.items()):
            self._cut(run_id, active.lease)

    async def _in_thread(self, work: Callable[[], T], executor: ThreadPoolExecutor | None = None) -> T:
        return await self.loop.run_in_executor(executor or self.executor, returning_connection, work)


_here: Worker | None = None
_making = threading.Lock()


def here() -> Worker:
    """This process's worker, made on first use (in the worker process itself, after any fork)."""
    global _here
    with _making:
        if _here is None:
            _here = Worker()
        return _here


def use(model: Model) -> None:
    """Make this process's worker with another model than the gateway: benchmarks do."""
    global _here
    with _making:
        _here = Worker(model)


@worker_shutting_down.connect
def _on_shutdown(**_: object) -> None:
    if _here is not None:
        _here.stop()


@worker_shutdown.connect
def _on_end(**_: object) -> None:
    if _here is not None:
        _here.say_goodbye()
