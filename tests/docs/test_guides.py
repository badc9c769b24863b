"""The guides do what they say: every command of every guide runs, in order, against the product it starts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection

from agentops.env import PROJECT
from tests import services
from tests.ports import free_port

GUIDES = [
    "first-ten-minutes",
    "write-a-tool",
    "write-an-agent",
    "plans-and-delegation",
    "risk-tiers",
    "budgets",
    "triggers",
]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

MAKE = """
make() {
  test "$1" = up || { echo "the guides know only make up"; return 1; }
  "$RESTART"
}
"""
RESTART = """#!/bin/sh
# What `make up` does, in the background: the product of before ends, the new one is waited for.
if [ -f product.pid ]; then
  kill "$(cat product.pid)"
  while kill -0 "$(cat product.pid)" 2>/dev/null; do sleep 0.1; done
fi
: > product.log
"$PYTHON" manage.py up --port "$PORT" >> product.log 2>&1 &
echo $! > product.pid
until grep -q "Stop: " product.log; do
  kill -0 "$(cat product.pid)" || { cat product.log; exit 1; }
  sleep 0.1
done
"""


class Newcomer:
    """Somebody in a fresh checkout with a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for entry in PROJECT.iterdir():
            if not entry.name.startswith(".") and entry.name != "staticfiles":
                (folder / entry.name).symlink_to(entry)
        self.port = free_port(following=1)  # the simulator's
        restart = folder / "restart"
        restart.write_text(RESTART)
        restart.chmod(0o700)
        data = folder / "data"
        data.mkdir(mode=0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTOPS_", "DJANGO_"))}
        self.environment = kept | {
            "AGENTOPS_DATA_DIR": str(data),
            "AGENTOPS_PORT": str(self.port),
            "AGENTOPS_WORKERS": "1",
            "AGENTOPS_SIMULATOR_SPEED": "0",
            "PYTHONPATH": str(folder),
            "PYTHON": sys.executable,
            "PORT": str(self.port),
            "RESTART": str(restart),
        }

    def types(self, commands: str, **more: str) -> str:
        """Runs them; what cannot be the same here (the port, where the environment is) is put in their place."""
        typed = commands.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{self.port}")
        typed = typed.replace(".venv/bin/python", sys.executable)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", MAKE + typed],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self._log()}"
        return done.stdout

    def leaves(self) -> None:
        pid = self.folder / "product.pid"
        if pid.exists():
            with contextlib.suppress(psutil.NoSuchProcess):
                product = psutil.Process(int(pid.read_text()))
                product.terminate()
                product.wait()

    def _log(self) -> str:
        log = self.folder / "product.log"
        return log.read_text()[-3000:] if log.exists() else ""


def commands(guide: str) -> list[str]:
    found = BLOCK.findall((PROJECT / "docs" / f"{guide}.md").read_text())
    assert found, guide
    return found


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed; the guides use it.")
    made = Newcomer(tmp_path_factory.mktemp("newcomer"))
    try:
        yield made
    finally:
        made.leaves()


@pytest.mark.stack
@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_works(newcomer: Newcomer, guide: str) -> None:
    typed = "\n".join(commands(guide))
    if "make up" not in typed:
        typed = f"test -f product.pid || make up\n{typed}"
    said = newcomer.types(typed)
    if guide == "write-a-tool":
        assert "120.00 EUR" in said
    if guide == "plans-and-delegation":
        assert "completed" in said


DOCKER = """#!/bin/sh
exec "$PYTHON" -m tests.docs.docker "$@"
"""


@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_guide_to_deploying_works(newcomer: Newcomer) -> None:
    """There is no container engine here: `docker` reads the compose file and runs the command by hand."""
    bin_folder = newcomer.folder / "bin"
    bin_folder.mkdir()
    docker = bin_folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o700)
    outside = services.stack_environment(str(connection.settings_dict["NAME"]))
    said = newcomer.types(
        "\n".join(commands("deploy")),
        PATH=f"{bin_folder}{os.pathsep}{newcomer.environment['PATH']}",
        **{name: outside[name] for name in ("DATABASE_URL", "REDIS_URL")},
    )
    assert "System check identified no issues" in said


def test_a_guides_links_lead_somewhere() -> None:
    for page in [*(PROJECT / "docs").glob("*.md"), PROJECT / "README.md"]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
