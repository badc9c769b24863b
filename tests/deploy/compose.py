"""docker-compose.yml read as Compose reads it, and its services run by hand: same command, environment and checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agentops.env import PROJECT

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")


class Missing(Exception):
    """Compose stops: a variable that must be set is not."""


def services(given: Mapping[str, str]) -> dict[str, Any]:
    """Every service with `given` put into its text. Raises Missing."""
    parsed = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    filled = _fill(parsed["services"], given)
    assert isinstance(filled, dict)
    return filled


def default_command() -> list[str]:
    """What the image runs when its service says nothing else."""
    [line] = re.findall(r"^CMD (\[.*\])$", dockerfile(), re.MULTILINE)
    command: list[str] = json.loads(line)
    return command


def dockerfile() -> str:
    return (PROJECT / "Dockerfile").read_text()


def _fill(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, given) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, given) for item in value]
    return _VARIABLE.sub(lambda match: _value(match, given), value) if isinstance(value, str) else value


def _value(match: re.Match[str], given: Mapping[str, str]) -> str:
    if match.group() == "$$":
        return "$"
    name, kind, rest = match.groups()
    if kind == "?" and not given.get(name):
        raise Missing(rest)
    return given.get(name) or (rest if kind == "-" else "")


@dataclass
class Process:
    """A service's container, without the container."""

    name: str
    popen: subprocess.Popen[bytes]
    environment: dict[str, str]
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def check(self, test: list[str]) -> subprocess.CompletedProcess[str]:
        """Runs the health check's own command."""
        kind, *command = test
        argv = ["sh", "-c", command[0]] if kind == "CMD-SHELL" else command
        return subprocess.run(
            [_python(part) for part in argv], env=self.environment, cwd=PROJECT, capture_output=True, text=True
        )


@contextmanager
def running(
    name: str, service: dict[str, Any], replace: Mapping[str, str], folder: Path, copy: int = 1
) -> Iterator[Process]:
    """`replace`: what another place has instead of the container's (a data folder, a port, the database's address)."""
    wanted = {key: str(value) for key, value in service["environment"].items()} | dict(replace)
    image = {"AGENTOPS_DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "agentops.settings"}
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": bin_first, "HOME": str(folder), "PYTHONUNBUFFERED": "1", **image, **wanted}
    command = [_python(part) for part in service.get("command") or default_command()]
    log = folder / f"{name}{copy}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT)
    process = Process(name, popen, environment, log)
    try:
        yield process
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()


def _python(part: str) -> str:
    return sys.executable if part == "python" else part
