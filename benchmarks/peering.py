"""Peers on the same servers in the same run: installed for it into an environment that goes when it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

PROGRAMS = Path(__file__).parent / "peers"
INSTALL_SECONDS, MEASURE_SECONDS = 180, 240


class Peers:
    """Without a package index there are none: `run` gives None, and it is said once."""

    def __init__(self, folder: Path) -> None:
        self._python = folder / "bin" / "python"

    def install(self) -> None:
        venv.create(self._python.parent.parent, with_pip=True)
        command = [self._python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
        subprocess.run(
            [*command, "-r", PROGRAMS / "requirements.txt"],
            check=True,
            timeout=INSTALL_SECONDS,
            stderr=subprocess.DEVNULL,
        )

    def run(self, program: str, *arguments: str, **given: Any) -> list[Any] | None:
        """What the program says, its line of JSON; the tables of each peer are in a database of its own."""
        if not self._python.exists():
            return None
        given = {"dsn": _database(program.partition("_")[0]), **given}
        command = [self._python, PROGRAMS / f"{program}.py", *arguments, json.dumps(given)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        try:
            said = subprocess.run(
                command, check=True, timeout=MEASURE_SECONDS, stdout=subprocess.PIPE, text=True, env=environment
            )
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{program} was not measured: {error}", file=sys.stderr)
            return None
        return list(json.loads(said.stdout.strip().splitlines()[-1]))


@contextmanager
def installed(wanted: bool) -> Iterator[Peers]:
    with tempfile.TemporaryDirectory(prefix="agentops-peers-") as folder:
        peers = Peers(Path(folder) / "env")
        if wanted:
            try:
                peers.install()
            except (subprocess.SubprocessError, OSError) as error:
                print(f"The peers could not be installed, their figures are left out: {error}", file=sys.stderr)
                peers = Peers(Path(folder) / "nothing")
        yield peers


def _database(name: str) -> str:
    """A database of that peer beside ours, on the same server."""
    name = f"bench_{name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return re.sub(r"/[^/?]+(\?|$)", rf"/{name}\1", settings.ENV.database_url, count=1)
