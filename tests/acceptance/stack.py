"""The stack's own processes on the test's database, each killable; conditions are waited for, never slept for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from agentops import env
from agentops.devstack import stack as commands
from agentops.devstack.service import Service
from tests import services
from tests.acceptance.effects.ledger import Ledger
from tests.ports import free_port

T = TypeVar("T")

PATIENCE = 120.0
RUN_WORKERS = ("runs1", "runs2")


def eventually(
    condition: Callable[[], T], what: str, patience: float = PATIENCE, details: Callable[[], str] = str
) -> T:
    """The first true answer. Fails, saying what never came true."""
    deadline = time.monotonic() + patience
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"In {patience:g} s it never came true that {what}. {details()}")
        time.sleep(0.05)
    return answer


@dataclass
class Process:
    popen: subprocess.Popen[bytes]
    variables: dict[str, str]


class Stack:
    """Simulator, two workers of runs, one of sweeps, beat, and the web server where asked for, all with `more` in their
    environment. Their logs are in `folder`."""

    def __init__(self, folder: Path, database: str, *, web: bool = False, **more: str) -> None:
        self.folder = folder
        self.ledger = Ledger(folder / "ledger")
        port, web_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{web_port}"
        facts = replace(
            env.load(), data_dir=folder, workers=len(RUN_WORKERS), simulator_port=port, bind="127.0.0.1", port=web_port
        )
        parts = [commands.simulator(facts), *commands.workers(facts), *([commands.web(facts)] if web else [])]
        self._services = {service.name: service for service in parts}
        self._processes: dict[str, Process] = {}
        self.variables = services.stack_environment(database) | {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "AGENTOPS_DATA_DIR": str(folder / "data"),
            "ANTHROPIC_API_KEY": "any",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
            "AGENTOPS_EGRESS_ALLOW": f"http://127.0.0.1:{port}",
            "ACCEPTANCE_LEDGER": str(folder / "ledger"),
            "ACCEPTANCE_LEASE_SECONDS": "4",
            **more,
        }

    def ensure(self, names: Iterable[str] = (), *, wait: bool = True, **variables: str) -> None:
        """Have these processes (all when none is named) up, the workers of runs with these variables."""
        wanted = {name: self._variables(name, variables) for name in names or self._services}
        changed = [name for name, own in wanted.items() if not self._is(name, own)]
        for name in changed:
            self.end(name)
        marks = {name: self._start(self._services[name], wanted[name]) for name in changed}
        for name, mark in marks.items() if wait else ():
            eventually(partial(self._ready, name, mark), f"{name} is ready")

    def named(self, pids: Container[int]) -> list[str]:
        """The processes that have one of these process ids."""
        return [name for name, process in self._processes.items() if process.popen.pid in pids]

    def is_up(self, name: str) -> bool:
        return self._processes[name].popen.poll() is None

    def pid(self, name: str) -> int:
        return self._processes[name].popen.pid

    def kill(self, name: str) -> None:
        """kill -9, and the process is gone."""
        popen = self._processes.pop(name).popen
        popen.kill()
        popen.wait()

    def terminate(self, name: str) -> subprocess.Popen[bytes]:
        """SIGTERM; to wait for it is the caller's."""
        popen = self._processes.pop(name).popen
        popen.terminate()
        return popen

    def end(self, name: str) -> None:
        if name in self._processes:
            self.kill(name)

    def close(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def _variables(self, name: str, more: dict[str, str]) -> dict[str, str]:
        return self.variables | more if name in RUN_WORKERS else self.variables

    def _is(self, name: str, variables: dict[str, str]) -> bool:
        found = self._processes.get(name)
        return found is not None and found.popen.poll() is None and found.variables == variables

    def _start(self, service: Service, variables: dict[str, str]) -> int:
        log = self._log(service.name)
        mark = log.stat().st_size if log.exists() else 0
        options = service.popen_options()
        options["env"] = options["env"] | variables
        with log.open("ab") as output:
            popen = subprocess.Popen(**options, stdout=output, stderr=subprocess.STDOUT)
        self._processes[service.name] = Process(popen, variables)
        return mark

    def _ready(self, name: str, mark: int) -> bool:
        service, popen = self._services[name], self._processes[name].popen
        said = self._log(name).read_bytes()[mark:].decode(errors="replace")
        assert popen.poll() is None, f"{name} ended at its start:\n{said[-3000:]}"
        return bool(service.ready_line.search(said)) if service.ready_line else service.ready()

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"
