"""All tests as four runs at once, each on servers of its own: what people do in browser and shell, what starts many
processes, pages and REST, the rest.

With arguments it is pytest itself: `python -m tests tests/engine -x`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from typing import IO

PERSONS = ["tests/browser", "tests/docs"]
PROCESSES = [f"tests/{name}" for name in ("acceptance", "benchmarks", "commands", "deploy", "devstack", "faults")]
PAGES = [f"tests/{name}" for name in ("access", "accounts", "api", "console", "security")]
PYTEST = [sys.executable, "-m", "pytest"]
BEHIND = 10
"""By how much those that only compute are nicer to the processor than those that also wait for other processes."""


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    beside = [_started(PROCESSES), _started(PERSONS), _started(PAGES, BEHIND)]
    rest = [f"--ignore={folder}" for folder in (*PROCESSES, *PERSONS, *PAGES)]
    codes = [subprocess.call([*PYTEST, *rest], preexec_fn=partial(os.nice, BEHIND))]
    for run, said in beside:
        codes.append(run.wait())
        said.seek(0)
        print(f"\n{' '.join(run.args[len(PYTEST) :])}\n{said.read().decode(errors='replace')}")
    return next((code for code in codes if code), 0)


def _started(folders: list[str], behind: int = 0) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """What it says is kept until the others are done."""
    said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the run has ended
    options = {"stdout": said, "stderr": subprocess.STDOUT}
    return subprocess.Popen([*PYTEST, *folders], preexec_fn=partial(os.nice, behind), **options), said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
