"""The fault harness the long way: `make faults`, with RUNS (1,000 when not given) and SEED (drawn when not given).

It prints its seed first, each fault as it comes, and at the end what was counted; a seed plays the same runs, the same
people and the same schedule again. Several seeds one after the other: `make faults SEED="1 2 3"`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

PLAY = [sys.executable, "-m", "pytest", "-s", "-x", "tests/faults/test_short.py"]


def main() -> int:
    runs = os.environ.get("RUNS") or "1000"
    seeds = (os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))).split()
    failed = [seed for seed in seeds if _play(seed, runs)]
    print(f"{len(seeds) - len(failed)} of {len(seeds)} seeds passed.")
    for seed in failed:
        print(f"To play it again: make faults SEED={seed} RUNS={runs}")
    return 1 if failed else 0


def _play(seed: str, runs: str) -> int:
    return subprocess.call(PLAY, env={**os.environ, "FAULTS_SEED": seed, "FAULTS_RUNS": runs})


if __name__ == "__main__":
    sys.exit(main())
