"""The stack, the faults at their time, everything started again at once, and the end: when nothing is under way."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from agentops import env
from tests.acceptance import servers
from tests.acceptance.stack import RUN_WORKERS, Stack

from .people import People
from .schedule import KINDS, Fault
from .watching import Rows

TICK = 0.05
OPEN = """
SELECT (SELECT count(*) FROM runs_run WHERE status NOT IN ('succeeded', 'failed', 'cancelled')),
    (SELECT count(*) FROM runs_run WHERE parent_id IS NULL AND forked_from_id IS NULL AND undoes_id IS NULL),
    (SELECT count(*) FROM runs_toolcall WHERE status IN ('executing', 'in_doubt', 'held', 'approved', 'proposed')),
    (SELECT count(*) FROM runs_step WHERE status = 'calling'),
    (SELECT count(*) FROM runs_run WHERE parent_id IS NOT NULL AND ended_at IS NOT NULL AND NOT reported)
"""
STAND = "SELECT status || ' ' || waiting_on, count(*) FROM runs_run GROUP BY 1 ORDER BY 1"
VICTIMS = "pid <> pg_backend_pid() AND datname = current_database() AND application_name <> 'harness'"
BACKENDS = f"SELECT pid FROM pg_stat_activity WHERE {VICTIMS} AND backend_type = 'client backend' ORDER BY pid"
CUT = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {VICTIMS} AND (%s = 2 OR pid %% 2 = %s)"
LOCK_RUNS = """
SELECT id FROM runs_run WHERE status NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY id LIMIT 50
FOR UPDATE SKIP LOCKED
"""
LOCK_ACCOUNTS = "SELECT id FROM runs_account ORDER BY id FOR UPDATE"


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that came, and between which times (by the machine's clock) a worker can have lost a run by it."""

    kind: str
    begin: float
    end: float


class Harness:
    """`play` is called in the main thread: the kernel ends what it starts when that thread ends."""

    def __init__(self, stack: Stack, people: People, url: str, lease: float, say: Callable[[str], None]) -> None:
        self.stack = stack
        self.people = people
        self.struck: Counter[str] = Counter()
        self.log: list[Struck] = []
        self.died_by_themselves: Counter[str] = Counter()
        self._url, self._lease, self._say = url, lease, say
        self.over = threading.Event()
        self._stopped: dict[str, tuple[float, int]] = {}
        """Processes that stand still: until when, and their process ids."""
        self._leaving: list[subprocess.Popen[bytes]] = []
        """Workers that were asked to end."""
        self._moving_since = time.monotonic()
        self._quiet_since: float | None = None
        self._threads: list[threading.Thread] = []
        self.clocks = stack.folder / "clocks"
        self.clocks.mkdir()
        self._names = (*RUN_WORKERS, "sweeps", "beat", "web", "simulator")

    def workers_move(self) -> bool:
        """No worker stands still, nor did a moment ago: each knows by now which leases it has lost."""
        stopped = any(name in RUN_WORKERS for name in self._stopped)
        return not stopped and time.monotonic() > self._moving_since + self._lease + 1

    def play(self, faults: Iterable[Fault], patience: float) -> None:
        """Raises AssertionError when runs do not end within `patience` seconds."""
        self._told = time.monotonic()
        self._deadline = self._told + patience
        rows = Rows(self._url, self.over)
        for fault in faults:
            if not self._until(time.monotonic() + fault.pause, rows) and len(self.struck) == len(KINDS):
                break
            self._say(f"{fault}")
            begin = time.time()
            self._strike(fault, rows)
            self.struck[fault.kind] += 1
            self.log.append(Struck(fault.kind, begin, time.time() + fault.seconds + self._lease))
        else:
            self._say("no more faults")
        self._until(self._deadline, rows)
        for name in list(self._stopped):
            self._go_on_if_stopped(name)
        rows.close()

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()
        for process in self._leaving:
            process.kill()
            process.wait()

    def is_over(self, rows: Rows) -> bool:
        """Nothing is under way, and nobody found anything more to do with what has ended."""
        living, all_, calls, steps, unreported = rows.all(OPEN)[0]
        if all_ < len(self.people.workload.runs) or living or calls or steps or unreported:
            self._quiet_since = None
            return False
        self._quiet_since = self._quiet_since or time.monotonic()
        return self.people.looked_back > self._quiet_since

    def _until(self, moment: float, rows: Rows) -> bool:
        """Keep everything up meanwhile. False when nothing is under way any more."""
        looked = 0.0
        while (now := time.monotonic()) < moment:
            self._keep_up()
            if now > looked + 0.5:
                looked = now
                if self.people.broken:
                    raise AssertionError("Somebody at the console met what nobody should.") from self.people.broken[0]
                if self.is_over(rows):
                    return False
                if now > self._told + 10:
                    self._told = now
                    self._say(", ".join(f"{count} {what}" for what, count in rows.all(STAND)))
            if now > self._deadline:
                living, all_, calls, steps, unreported = rows.all(OPEN)[0]
                raise AssertionError(
                    f"It did not come to its end: {living} runs live, of {all_} that people started; open are {calls} "
                    f"calls, {steps} steps; {unreported} runs have ended and nobody told the run above."
                )
            time.sleep(TICK)
        return True

    def _keep_up(self) -> None:
        for name, (until, _) in list(self._stopped.items()):
            if time.monotonic() > until:
                self._go_on_if_stopped(name)
        for name in self._names:
            if not self.stack.is_up(name):
                self.died_by_themselves[name] += 1
                self._start(name)

    def _start(self, name: str) -> None:
        self.stack.ensure([name], wait=False, FAULTS_CLOCKS=str(self.clocks))

    # ── faults ─────────────────────────────────────────────────────────────────────────────────

    def _strike(self, fault: Fault, rows: Rows) -> None:
        verb, _, whom = fault.kind.partition(" ")
        worker = RUN_WORKERS[fault.lot % len(RUN_WORKERS)]
        name = {"worker": worker, "sweeper": "sweeps"}.get(whom, whom)
        if verb == "kill" and name in self._names:
            self._kill(name)
        elif verb == "restart":
            self._restart(name)
        elif verb == "stop":
            self._stop(name, self._lease * 0.5 + fault.seconds)
        elif fault.kind == "kill valkey":
            self._kill_server(servers.the_valkey())
        elif fault.kind == "kill postgres":
            self._kill_server(servers.the_postgres())
        elif fault.kind == "kill backend":
            self._kill_backend(rows, fault.lot)
        elif fault.kind == "cut database":
            rows.all(CUT, fault.lot % 3, fault.lot % 3)
        elif fault.kind == "cut valkey":
            self._cut_valkey()
        elif fault.kind == "wrong clock":
            (self.clocks / str(self.stack.pid(worker))).write_text(str(fault.jump))
        elif verb == "lock":
            self._lock(LOCK_RUNS if whom == "runs" else LOCK_ACCOUNTS, fault.seconds)
        else:
            raise ValueError(fault.kind)

    def _kill(self, name: str) -> None:
        self._forget_stop(name)
        self.stack.kill(name)
        self._start(name)

    def _restart(self, name: str) -> None:
        """As a deploy does: the old one hands its runs over while the new one comes up."""
        self._go_on_if_stopped(name)
        self._leaving.append(self.stack.terminate(name))
        self._start(name)

    def _stop(self, name: str, seconds: float) -> None:
        pid = self.stack.pid(name)
        os.kill(pid, signal.SIGSTOP)
        self._stopped[name] = (time.monotonic() + seconds, pid)

    def _go_on_if_stopped(self, name: str) -> None:
        if name in self._stopped:
            with suppress(ProcessLookupError):
                os.kill(self._stopped[name][1], signal.SIGCONT)
            self._forget_stop(name)

    def _forget_stop(self, name: str) -> None:
        if name in self._stopped:
            self._moving_since = time.monotonic()
            del self._stopped[name]

    def _kill_server(self, server: servers.Server) -> None:
        server.kill()
        server.start()

    def _kill_backend(self, rows: Rows, lot: int) -> None:
        backends = rows.all(BACKENDS)
        if backends:
            with suppress(ProcessLookupError):
                os.kill(backends[lot % len(backends)][0], signal.SIGKILL)

    def _cut_valkey(self) -> None:
        embedded = env.load().embedded
        if embedded is not None:
            with redis.from_url(embedded.redis_url) as client:
                client.client_kill_filter(_type="normal", skipme=True)
                client.client_kill_filter(_type="pubsub")

    def _lock(self, sql: str, seconds: float) -> None:
        """A slow database: rows that everybody wants are held for seconds."""

        def hold() -> None:
            with suppress(psycopg.OperationalError), psycopg.connect(self._url, application_name="locker") as held:
                held.execute(sql)
                self.over.wait(seconds)
                held.rollback()

        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        self._threads.append(thread)


def log_of(folder: Path, names: Iterable[str]) -> str:
    """The last words of processes, for a failure."""
    said = []
    for name in names:
        path = folder / f"{name}.log"
        if path.exists():
            said.append(f"── {name}\n{path.read_bytes()[-1500:].decode(errors='replace')}")
    return "\n".join(said)
