"""The supervisor with small stand-in programs: real processes, real signals."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agentops.devstack.errors import CannotStart
from agentops.devstack.log import Log
from agentops.devstack.predecessor import Children, only_one
from agentops.devstack.service import Service
from agentops.devstack.supervisor import Supervisor

STANDING = "import os, time; print('up', os.getpid(), flush=True); time.sleep(600)"
UP = re.compile(r"^up \d+$")
PROJECT = Path(__file__).resolve().parents[2]


def program(name: str, code: str = STANDING, stage: int = 2, grace: float = 20) -> Service:
    return Service(name, [sys.executable, "-c", code], ready_line=UP, stage=stage, grace=grace)


class Screen:
    """What the person at the terminal sees."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.log = Log(self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in re.findall(rf"^{name} +│ up (\d+)$", self.text, re.M)]

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def screen() -> Screen:
    return Screen()


async def test_a_killed_child_is_started_again(screen: Screen, tmp_path: Path) -> None:
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(program("web"))
    await supervisor.ready("web")
    os.kill(screen.pids("web")[0], signal.SIGKILL)
    await screen.until(lambda: len(screen.pids("web")) == 2)
    await supervisor.ready("web")
    assert "web       │ died (signal SIGKILL): starting it again" in screen.text
    await supervisor.stop()
    assert not any(psutil.pid_exists(pid) for pid in screen.pids("web"))


async def test_a_child_that_keeps_dying_ends_the_stack_with_its_last_words(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentops.devstack.supervisor.LONGEST_PAUSE", 0.01)
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(program("web", "print('no module named soup'); raise SystemExit(3)"))
    with pytest.raises(CannotStart, match=r"web died 5 times in a row \(exit code 3\)(.|\n)*named soup"):
        await supervisor.ready("web")
    await supervisor.stop()


async def test_a_program_that_is_missing_is_named(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentops.devstack.supervisor.LONGEST_PAUSE", 0.01)
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(Service("web", ["/nowhere/web"]))
    with pytest.raises(CannotStart, match="/nowhere/web"):
        await supervisor.ready("web")
    await supervisor.stop()


async def test_a_full_disk_is_said_in_plain_words(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentops.devstack.supervisor.LONGEST_PAUSE", 0.01)
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(program("postgres", "raise SystemExit('PANIC: x: No space left on device')"))
    with pytest.raises(CannotStart, match="The disk is full: free some space"):
        await supervisor.ready("postgres")
    await supervisor.stop()


async def test_what_uses_the_servers_stops_before_them(screen: Screen, tmp_path: Path) -> None:
    said = "import os, signal; signal.signal(15, lambda *_: (print('bye', flush=True), os._exit(0)));"
    supervisor = Supervisor(screen.log, tmp_path)
    for name, stage in (("postgres", 0), ("simulator", 1), ("web", 2)):
        supervisor.start(program(name, said + STANDING, stage))
    await supervisor.ready("postgres", "simulator", "web")
    await supervisor.stop()
    assert re.findall(r"^(\w+) +│ bye$", screen.text, re.M) == ["web", "simulator", "postgres"]


DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + STANDING


async def test_a_child_deaf_to_sigterm_is_killed_after_its_grace(screen: Screen, tmp_path: Path) -> None:
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(program("web", DEAF, grace=0.1))
    await supervisor.ready("web")
    await supervisor.stop()
    assert "did not stop within" in screen.text
    assert not psutil.pid_exists(screen.pids("web")[0])


async def test_force_cuts_the_grace_short(screen: Screen, tmp_path: Path) -> None:
    supervisor = Supervisor(screen.log, tmp_path)
    supervisor.start(program("web", DEAF, grace=3600))
    await supervisor.ready("web")
    stopping = asyncio.create_task(supervisor.stop())
    supervisor.force()
    await stopping
    assert not psutil.pid_exists(screen.pids("web")[0])


async def test_run_once_gives_back_output_and_names_the_failure(screen: Screen, tmp_path: Path) -> None:
    supervisor = Supervisor(screen.log, tmp_path)
    code = "import sys; print('result'); print('progress', file=sys.stderr)"
    assert await supervisor.run_once(program("prepare", code)) == "result\n"
    assert "progress" in screen.text and "result" not in screen.text
    with pytest.raises(CannotStart, match=r"`prepare` failed \(exit code 1\)(.|\n)*why"):
        await supervisor.run_once(program("prepare", "raise SystemExit('why')"))


ORPHAN = """
import asyncio, sys
from pathlib import Path
from agentops.devstack.log import Log
from agentops.devstack.service import Service
from agentops.devstack.supervisor import Supervisor

async def main():
    supervisor = Supervisor(Log(), Path(sys.argv[1]))
    supervisor.start(Service("web", [sys.executable, "-c", sys.argv[2]]))
    await supervisor.failed()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, tmp_path, STANDING], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline().split()[-1])
        child = psutil.Process(pid)
        supervisor.kill()
    psutil.wait_procs([child])
    assert not child.is_running()


def test_leftovers_of_a_killed_predecessor_are_ended_and_bystanders_spared(tmp_path: Path) -> None:
    standing = [sys.executable, "-c", STANDING]
    leftover, bystander = (subprocess.Popen(standing, stdout=subprocess.DEVNULL) for _ in range(2))
    try:
        Children(tmp_path).add(leftover.pid)
        recorded = (tmp_path / "children.json").read_text()
        (tmp_path / "children.json").write_text(recorded[:-1] + f", [{bystander.pid}, 12345.0], [999999999, 1.0]]")
        assert Children(tmp_path).end_leftovers() == 1
        assert not psutil.pid_exists(leftover.pid)
        assert bystander.poll() is None
    finally:
        for process in (leftover, bystander):
            process.kill()
            process.wait()


def test_a_second_stack_on_the_same_data_directory_is_refused(tmp_path: Path) -> None:
    with (
        only_one(tmp_path, "http://127.0.0.1:8000"),
        pytest.raises(CannotStart, match=rf"http://127.0.0.1:8000 \(process {os.getpid()}\).*AGENTOPS_DATA_DIR"),
        only_one(tmp_path, "http://127.0.0.1:9000"),
    ):
        pass
    with only_one(tmp_path, "http://127.0.0.1:9000"):
        pass
