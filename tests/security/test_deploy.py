"""With the settings of a real installation, Django's own checks for deployment find nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agentops.env import PROJECT

PRODUCTION = {
    "DATABASE_URL": "postgresql://agentops:secret@127.0.0.1:1/agentops",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "AGENTOPS_SECRET_KEY": "Zk3v9QmT7xLw2RsY8nHc5BdJ4gFp6Ae1UoXiVtKqMzNyWbCrEhGjDl0aSfPu",
    "AGENTOPS_HTTPS": "1",
    "AGENTOPS_BIND": "0.0.0.0",
    "AGENTOPS_ALLOWED_HOSTS": "console.example",
    "ANTHROPIC_API_KEY": "a key that nobody uses",
}


def test_the_deployment_checks_are_clean(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    run = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=kept | PRODUCTION | {"AGENTOPS_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    ), run.stdout + run.stderr
