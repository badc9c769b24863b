"""Web, sweeps and commands start without the SDK, which takes longer to import than all the rest."""

from __future__ import annotations

import os
import subprocess
import sys

WITHOUT = """
import sys, django
django.setup()
import agentops.asgi, agentops.celery, runs.tasks
assert "anthropic" not in sys.modules, "the SDK was imported"
from runs import assembly
assembly.gateway()
assert "anthropic" in sys.modules
"""


def test_only_who_asks_a_model_imports_the_sdk() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", WITHOUT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
