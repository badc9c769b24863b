"""`manage.py up` as a newcomer meets it: one command, a page, a sign-in; stopped, killed, and started again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from agentops.env import PROJECT
from tests.ports import free_port

pytestmark = pytest.mark.stack

READY = "AgentOps is ready"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="agentops-up-"))
    made.chmod(0o711)
    yield made
    elsewhere = made / "servers.path"
    if elsewhere.exists():
        shutil.rmtree(Path(elsewhere.read_text().strip()).parent, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)


def test_one_command_brings_up_a_product_that_stops_and_heals(folder: Path) -> None:
    port = free_port(following=1)  # the simulator's
    with up(folder, port) as (process, said):
        assert re.search(r"Sign in:\s+admin / \S+\s+\(shown only this once\)", said)
        assert asked(port, "/readyz")["status"] == "ok"
        children = psutil.Process(process.pid).children(recursive=True)
        refused = subprocess.run(command(port + 2), env=environment(folder), capture_output=True, text=True)
        assert refused.returncode != 0
        assert f"127.0.0.1:{port}" in refused.stdout + refused.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert psutil.wait_procs(children, timeout=10)[1] == []

    with up(folder, port) as (process, said):
        assert "changepassword admin" in said
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        assert psutil.wait_procs(children, timeout=30)[1] == []

    with up(folder, port):
        assert asked(port, "/readyz")["parts"] == {"database": "ok", "redis": "ok", "worker": "ok"}


def command(port: int) -> list[str]:
    return [sys.executable, "manage.py", "up", "--port", str(port)]


def environment(folder: Path) -> dict[str, str]:
    ours = ("AGENTOPS_", "ANTHROPIC_", "OPENAI_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"AGENTOPS_DATA_DIR": str(folder), "AGENTOPS_WORKERS": "1"}


@contextmanager
def up(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command, and what it said up to the end of its box."""
    process = subprocess.Popen(
        command(port), cwd=PROJECT, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = ""
        for line in process.stdout or []:
            said += line
            if READY in said and line.startswith("└"):
                break
        assert READY in said, said
        yield process, said
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.communicate(timeout=60)


def asked(port: int, path: str) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return dict(json.load(answer))
