"""All tests as four runs at once, each on servers of its own: in a browser, with processes, pages and REST, the rest.

With arguments it is pytest itself: `python -m tests tests/engine -x`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

BROWSER = ["tests/browser"]
PROCESSES = [
    f"tests/{name}" for name in ("acceptance", "benchmarks", "commands", "deploy", "devstack", "docs", "faults")
]
PAGES = [f"tests/{name}" for name in ("access", "accounts", "api", "console", "security")]
PYTEST = [sys.executable, "-m", "pytest"]


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    beside = [_started(folders) for folders in (PROCESSES, BROWSER, PAGES)]
    codes = [subprocess.call([*PYTEST, *(f"--ignore={folder}" for folder in (*PROCESSES, *BROWSER, *PAGES))])]
    for run, said in beside:
        codes.append(run.wait())
        said.seek(0)
        print(f"\n{' '.join(run.args[len(PYTEST) :])}\n{said.read().decode(errors='replace')}")
    return next((code for code in codes if code), 0)


def _started(folders: list[str]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """What it says is kept until the others are done."""
    said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the run has ended
    return subprocess.Popen([*PYTEST, *folders], stdout=said, stderr=subprocess.STDOUT), said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
