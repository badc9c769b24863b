"""The whole product as real processes: the stack of the acceptance tests, and the web server in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from agentops import env
from agentops.devstack import stack as commands
from approvals.models import SweepClock
from tests.acceptance.stack import Stack, eventually
from tests.ports import free_port


class Site(Stack):
    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder, database)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._services["web"] = commands.web(replace(env.load(), bind="127.0.0.1", port=port))

    def open(self) -> None:
        self.ensure()
        # The first sweep of all counts as a downtime and would give countdowns a new window.
        eventually(lambda: SweepClock.objects.exclude(swept_at=None).exists(), "sweeps run")

    @contextmanager
    def another_web(self, name: str, **variables: str) -> Iterator[str]:
        """The address of one more web server, with other settings."""
        port = free_port()
        service = commands.web(replace(env.load(), bind="127.0.0.1", port=port))
        self._services[name] = replace(service, name=name, env={**service.env, **variables})
        try:
            self.ensure([name])
            yield f"http://127.0.0.1:{port}"
        finally:
            self.end(name)
            del self._services[name]
