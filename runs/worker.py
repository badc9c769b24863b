"""One event loop a worker process, which carries all its runs; Celery's threads only wait for them.

The loop never touches the database: leases and journal run on a few executor threads. A heartbeat renews every lease in
one statement; a control channel brings "cancel" and "pause" at once, and the heartbeat finds them when Redis is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError

from agentops.core.errors import AgentOpsError, LeaseLost
from agentops.core.models import Model
from agentops.core.states import StopReason
from agentops.engine.interrupts import End
from agentops.engine.react import advance
from agentops.live import control
from agentops.live.stream import Broadcaster

from . import assembly, estimating, lease, loading
from .actions.control import fail_run
from .committing import Means, returning_connection
from .lease import Lease
from .recorder import Recorder

T = TypeVar("T")
log = structlog.get_logger(__name__)

DATABASE_THREADS = 4
GRACE_SECONDS = 12.0
"""How long runs may go on to their next step's boundary after SIGTERM."""


@dataclass(slots=True)
class Active:
    lease: Lease
    task: asyncio.Task[bool]
    cut: bool = False
    """A second cancellation would cut off the effects that the first one sees through."""


class Worker:
    def __init__(self, model: Model | None = None) -> None:
        self._model = model
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.active: dict[str, Active] = {}
        self.executor = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="journal")
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopping = False
        threading.Thread(target=self._run_loop, name="engine", daemon=True).start()
        self._ready.wait()

    def advance(self, run_id: str) -> None:
        """Blocks the calling thread until the run has left this worker."""
        asyncio.run_coroutine_threadsafe(self._advance(run_id), self.loop).result()

    def stop(self) -> None:
        """Ask every run to leave at its next boundary; after the grace time, cut them off. Called on SIGTERM."""
        self.loop.call_soon_threadsafe(self._stop)

    def close(self) -> None:
        """End the loop and what it does for itself; for a process that goes on without its worker."""
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.executor.shutdown()

    # ── the loop's side ────────────────────────────────────────────────────────────────────────

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self._ready.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        self.means = Means(self.executor, Broadcaster(), self._model or assembly.gateway(), estimating.of_state)
        self._tasks = [
            self.loop.create_task(self._heartbeat()),
            self.loop.create_task(control.listen(self._obey)),
        ]

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.means.broadcaster.close()

    async def _advance(self, run_id: str) -> None:
        while not self._stopping and run_id not in self.active:
            held = await self._in_thread(lambda: lease.acquire(run_id, self.name))
            if held is None:
                return
            if stale := self.active.get(run_id):
                # Its lease ran out in this very worker; the new one begins when it has let go.
                self._cut(run_id, stale.lease)
                await asyncio.wait({stale.task})
            held.release_asked = self._stopping
            task = self.loop.create_task(self._carry(held))
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

    async def _carry(self, held: Lease) -> bool:
        """One stretch of a run under one lease. True when something decided meanwhile wants it to go on at once."""
        with structlog.contextvars.bound_contextvars(run=held.run_id):
            try:
                state, run = await self._in_thread(lambda: loading.load(held.run_id, held.fence))
                recorder = Recorder(held, run, self.means)
                try:
                    self.means.broadcaster.event(held.run_id, held.team_id, [held.event])
                    recorder.toolbox = assembly.toolbox(state)
                    await self._in_thread(lambda: assembly.fill_workspace(state))
                    await advance(state, assembly.outside(state, recorder, self.means))
                except (OperationalError, InterfaceError, LeaseLost):
                    raise
                except Exception as error:
                    log.exception("run_failed")
                    detail = (
                        str(error)
                        if isinstance(error, AgentOpsError)
                        else f"An internal error ({type(error).__name__})."
                    )
                    await recorder.leave(state, [], End(StopReason.ERROR, detail=detail))
                return recorder.left_at_once
            except LeaseLost as lost:
                log.info("lease_lost", why=str(lost))
            except (OperationalError, InterfaceError) as error:
                # The lease runs out and the run is taken up again when the database is back.
                log.warning("database_out_of_reach", error=str(error))
            except Exception as error:
                # Else each worker in turn would take it, stumble, and leave it to the next.
                log.exception("run_not_readable")
                detail = f"Its rows could not be read ({type(error).__name__})."
                await self._in_thread(lambda: fail_run(held.run_id, held.fence, detail))
            return False

    async def _heartbeat(self) -> None:
        interval = settings.AGENTOPS_LEASE_SECONDS / 4
        presence = control.Presence(self.name)
        while True:
            held = [active.lease for active in self.active.values()]
            try:
                lost = await self._in_thread(partial(lease.renew, held))
            except DatabaseError as error:
                # Of any kind: without its heartbeat this worker would lose every run and take them again.
                log.warning("heartbeat_failed", error=str(error))
                lost = [one for one in held if one.expired]
            for one in lost:
                self._cut(one.run_id, one)
            await presence.show(len(self.active))
            await asyncio.sleep(interval)

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
        self.loop.call_later(GRACE_SECONDS, self._cut_all)

    def _cut_all(self) -> None:
        for run_id, active in list(self.active.items()):
            self._cut(run_id, active.lease)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self.loop.run_in_executor(self.executor, returning_connection, work)


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
