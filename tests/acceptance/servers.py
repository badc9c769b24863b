"""Kills the embedded servers and starts them again, as the supervisor does in the product."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType

import psutil
import pytest
import redis

from agentops import env
from agentops.devstack import postgres, valkey
from agentops.devstack.embedded import Embedded
from agentops.devstack.service import Service

from .stack import PATIENCE, eventually

_started = ExitStack()
"""Servers that took a killed one's place. They serve the rest of the test run."""


class Server:
    def __init__(self, part: ModuleType, pid: Callable[[Embedded], int], **options: bool) -> None:
        embedded = env.load().embedded
        if embedded is None:
            pytest.skip("The servers are not ours to kill.")
        self._embedded = embedded
        self._prepare = part.prepare
        self._service: Service = part.service(embedded, **options)
        self._process = psutil.Process(pid(embedded))

    def kill(self) -> None:
        family = self._process.children(recursive=True)
        self._process.kill()
        # PostgreSQL's backends see that their parent is gone and leave; a new one waits for that.
        _, left = psutil.wait_procs([self._process, *family], timeout=PATIENCE)
        assert not left

    def start(self) -> None:
        self._prepare(self._embedded)
        log = self._embedded.base / "servers.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(**self._service.popen_options(), stdout=output, stderr=output)
        _started.callback(_stop, self._service, popen)
        eventually(self._service.ready, f"{self._service.name} is back")


def the_postgres() -> Server:
    return Server(postgres, _postgres_pid, durable=False)


def the_valkey() -> Server:
    return Server(valkey, _valkey_pid)


def stop_all() -> None:
    _started.close()


def _postgres_pid(embedded: Embedded) -> int:
    return int((postgres.cluster(embedded) / "postmaster.pid").read_text().split()[0])


def _valkey_pid(embedded: Embedded) -> int:
    with redis.from_url(embedded.redis_url) as client:
        return int(client.info("server")["process_id"])


def _stop(service: Service, popen: subprocess.Popen[bytes]) -> None:
    popen.send_signal(service.stop_signal)
    popen.wait()
