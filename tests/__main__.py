"""All tests as two runs at once, each on servers of its own: those that start processes, and the rest.

With arguments it is pytest itself: `python -m tests tests/engine -x`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

STARTING_PROCESSES = [
    f"tests/{name}" for name in ("acceptance", "benchmarks", "browser", "commands", "deploy", "devstack", "docs")
]


def main(arguments: list[str]) -> int:
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return subprocess.call([*pytest, *arguments])
    with tempfile.TemporaryFile() as said:
        slow = subprocess.Popen([*pytest, *STARTING_PROCESSES], stdout=said, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.call([*pytest, *(f"--ignore={folder}" for folder in STARTING_PROCESSES)]), slow.wait()]
        except KeyboardInterrupt:
            slow.wait()
            raise SystemExit(130) from None
        said.seek(0)
        print(f"\nThe tests that start processes:\n{said.read().decode(errors='replace')}")
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
