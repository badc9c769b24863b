"""Stands where `docker` does in the guide to deploying: `.env` is read, the service's command runs by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.deploy import compose

DONE_WITHOUT_AN_ENGINE = (["up", "-d", "--build"], ["logs", "migrate"])


def main(arguments: list[str]) -> int:
    kind, *command = arguments
    assert kind == "compose", arguments
    given = dict(line.split("=", 1) for line in Path(".env").read_text().splitlines())
    services = compose.services({**given, "AGENTOPS_HTTPS": "1", "AGENTOPS_ALLOWED_HOSTS": "agents.example.com"})
    if command in DONE_WITHOUT_AN_ENGINE:
        return 0
    run, once, name, *inside = command
    assert (run, once) == ("run", "--rm"), command
    environment = {**os.environ, **services[name]["environment"]}
    return subprocess.call([sys.executable if part == "python" else part for part in inside], env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
