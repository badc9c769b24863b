"""The embedded servers as a pair: what `manage.py up` and the tests start."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import postgres, valkey
from .account import private_folder
from .embedded import Embedded
from .errors import CannotStart
from .service import Service

ROOM = 300 * 1024 * 1024
"""Bytes that must be free for the servers to start."""


def prepare(embedded: Embedded, *, may_create_databases: bool = False) -> None:
    """Folders, cluster and configuration, owned by the servers' account. Quick when they are there."""
    embedded.base.mkdir(parents=True, exist_ok=True, mode=0o711)
    free = shutil.disk_usage(embedded.base).free
    if free < ROOM:
        raise CannotStart(
            f"The disk is full: {embedded.base} has {free >> 20} of the {ROOM >> 20} MB that are needed. "
            "Free some space, or set AGENTOPS_DATA_DIR to a folder on another disk."
        )
    for folder in (embedded.servers, embedded.sockets):
        private_folder(folder, embedded.account)
    postgres.prepare(embedded, may_create_databases=may_create_databases)
    valkey.prepare(embedded)


def servers(embedded: Embedded, *, durable: bool = True) -> list[Service]:
    return [postgres.service(embedded, durable=durable), valkey.service(embedded)]


@contextmanager
def running(embedded: Embedded, *, durable: bool = True) -> Iterator[None]:
    """Both servers, up as long as the block lasts, unsupervised. Their output goes to `servers.log`."""
    log = embedded.base / "servers.log"
    started: list[tuple[Service, subprocess.Popen[bytes]]] = []
    with log.open("ab") as output:
        try:
            for service in servers(embedded, durable=durable):
                options = service.popen_options()
                started.append((service, subprocess.Popen(**options, stdout=output, stderr=output)))
            for service, process in started:
                _wait(service, process, log)
            yield
        finally:
            for service, process in started:
                process.send_signal(service.stop_signal)
            for _, process in started:
                process.wait()


def _wait(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    while not service.ready():
        if process.poll() is not None:
            raise CannotStart(f"{service.name} ended at its start:\n{log.read_text()[-1500:]}")
        time.sleep(0.02)
