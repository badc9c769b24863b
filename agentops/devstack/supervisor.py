"""Keeps services running: starts them, shows what they say, restarts those that die, stops all in order."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from .errors import CannotStart
from .log import Log
from .predecessor import Children
from .service import Service

QUICK_DEATHS = 5
"""After so many deaths in a row, each within `STEADY` seconds of its start, the stack gives up."""
STEADY = 30.0
LONGEST_PAUSE = 5.0
TAIL = 15
"""Lines of a process's last words that are repeated when the stack gives up on it."""


class Supervisor:
    def __init__(self, log: Log, data_dir: Path) -> None:
        self._log = log
        self._children = Children(data_dir)
        self._keepers: dict[Service, asyncio.Task[None]] = {}
        self._running: dict[Service, asyncio.subprocess.Process] = {}
        self._ready: dict[str, asyncio.Event] = {}
        self._stopping: set[Service] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._forced = asyncio.Event()

    def start(self, service: Service) -> None:
        self._ready[service.name] = asyncio.Event()
        self._keepers[service] = asyncio.create_task(self._keep(service), name=service.name)

    async def ready(self, *names: str) -> None:
        """Wait until all of them are; raises CannotStart when the stack gives up first."""
        waiting = [asyncio.create_task(self._ready[name].wait()) for name in names]
        all_ready = asyncio.create_task(asyncio.wait(waiting)) if waiting else None
        failure = asyncio.create_task(self.failed())
        try:
            if all_ready:
                await asyncio.wait({all_ready, failure}, return_when=asyncio.FIRST_COMPLETED)
            if failure.done():
                failure.result()
        finally:
            for task in (*waiting, failure):
                task.cancel()

    async def failed(self) -> None:
        """Returns never; raises CannotStart when a service keeps dying."""
        await asyncio.shield(self._failure)

    async def run_once(self, service: Service) -> str:
        """Run a process to its end and give back what it printed. Its errors go to the log."""
        process = await self._spawn(service, stderr=asyncio.subprocess.PIPE)
        tail: deque[str] = deque(maxlen=TAIL)
        try:
            printed, _ = await asyncio.gather(
                _pipe(process.stdout).read(), self._show(service, process.stderr, tail, asyncio.Event())
            )
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        finally:
            self._children.remove(process.pid)
        if code:
            raise CannotStart(f"`{service.name}` failed ({_ending(code)}). It said:\n{_indented(tail)}")
        return printed.decode(errors="replace")

    async def stop(self) -> None:
        """End everything, stage by stage, each process within its grace. `force` cuts the waiting short."""
        for _, group in groupby(sorted(self._keepers, key=lambda s: -s.stage), key=lambda s: s.stage):
            services = list(group)
            self._stopping.update(services)
            await asyncio.gather(*(self._end(service) for service in services))

    def force(self) -> None:
        self._forced.set()

    async def _end(self, service: Service) -> None:
        keeper = self._keepers[service]
        process = self._running.get(service)
        if process is None:
            keeper.cancel()
        elif not self._forced.is_set():
            _signal(process, service.stop_signal)
            forced = asyncio.create_task(self._forced.wait())
            await asyncio.wait({keeper, forced}, timeout=service.grace, return_when=asyncio.FIRST_COMPLETED)
            forced.cancel()
            if not keeper.done() and not self._forced.is_set():
                self._log.trouble(service.name, f"did not stop within {service.grace:.0f} s: killed")
        if process is not None and not keeper.done():
            _signal(process, signal.SIGKILL)
        await asyncio.wait({keeper})

    async def _keep(self, service: Service) -> None:
        deaths = 0
        while True:
            started = time.monotonic()
            tail: deque[str] = deque(maxlen=TAIL)
            ready = self._ready[service.name]
            try:
                code = await self._live(service, tail, ready)
            except OSError as error:
                code, tail = 127, deque([str(error)])
            if service in self._stopping:
                return
            ready.clear()
            deaths = deaths + 1 if time.monotonic() - started < STEADY else 1
            if deaths >= QUICK_DEATHS:
                self._give_up(service, code, tail)
                return
            pause = min(0.1 * 3 ** (deaths - 1), LONGEST_PAUSE)
            self._log.trouble(service.name, f"died ({_ending(code)}): starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)

    async def _live(self, service: Service, tail: deque[str], ready: asyncio.Event) -> int:
        """One life of the process, from its start to its end."""
        process = await self._spawn(service, stderr=asyncio.subprocess.STDOUT)
        self._running[service] = process
        watching = asyncio.create_task(self._watch(service, ready, time.monotonic()))
        showing = asyncio.create_task(self._show(service, process.stdout, tail, ready))
        try:
            code = await process.wait()
            await asyncio.wait({showing}, timeout=1)  # something it started may still hold the pipe
            return code
        finally:
            watching.cancel()
            showing.cancel()
            del self._running[service]
            self._children.remove(process.pid)

    async def _spawn(self, service: Service, stderr: int) -> asyncio.subprocess.Process:
        options = service.popen_options()
        arguments = options.pop("args")
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            **options,
        )
        self._children.add(process.pid)
        return process

    async def _watch(self, service: Service, ready: asyncio.Event, started: float) -> None:
        while not ready.is_set() and not await asyncio.to_thread(service.ready):  # noqa: ASYNC110
            await asyncio.sleep(0.03)
        ready.set()
        self._log.ready(service.name, time.monotonic() - started)

    async def _show(
        self, service: Service, pipe: asyncio.StreamReader | None, tail: deque[str], ready: asyncio.Event
    ) -> None:
        rest = ""
        while chunk := await _pipe(pipe).read(65536):
            *lines, rest = (rest + chunk.decode(errors="replace")).split("\n")
            for line in _printable(lines):
                tail.append(line)
                self._log.line(service.name, line)
                if service.ready_line and service.ready_line.search(line):
                    ready.set()
        for line in _printable([rest]):
            tail.append(line)
            self._log.line(service.name, line)

    def _give_up(self, service: Service, code: int, tail: deque[str]) -> None:
        if not self._failure.done():
            self._failure.set_exception(
                CannotStart(
                    f"{service.name} died {QUICK_DEATHS} times in a row ({_ending(code)}). "
                    f"Its last words:\n{_indented(tail)}{_remedy(tail)}"
                )
            )


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise ValueError("the process was started without a pipe")
    return stream


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the whole group when it is final: nothing the process started may outlive it."""
    try:
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        return


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _printable(lines: list[str]) -> Iterator[str]:
    return (line.rstrip() for line in lines if line.strip())


def _indented(tail: deque[str]) -> str:
    return "\n".join(f"    {line}" for line in tail) or "    (nothing)"


def _remedy(tail: deque[str]) -> str:
    if any("No space left on device" in line for line in tail):
        return "\nThe disk is full: free some space, or set AGENTOPS_DATA_DIR to a folder on another disk."
    return ""
