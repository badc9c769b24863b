"""PostgreSQL and Valkey for one test run, and the environment that leads there and nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentops import env
from agentops.devstack import services

CLAIM = "AGENTOPS_TEST_RUN"
"""Set in the test run and inherited by the processes it starts, which must not claim servers of their own."""


def claim_environment() -> None:
    """Forget the developer's keys and data. Called before the settings are read."""
    if CLAIM in os.environ:
        return
    own_servers = {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys()
    for name in list(os.environ):
        if name.startswith(("AGENTOPS_SHOP", "AGENTOPS_REQUIRE")):
            continue
        if name in {"DATABASE_URL", "REDIS_URL"} and own_servers:
            continue
        if name.startswith(("AGENTOPS_", "ANTHROPIC_", "OPENAI_", "DATABASE_URL", "REDIS_URL")):
            del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="agentops-test-"))
    folder.chmod(0o711)  # root's servers run as somebody else, who must pass through
    os.environ["AGENTOPS_GRACE_SECONDS"] = "0"
    os.environ["AGENTOPS_DATA_DIR"] = os.environ[CLAIM] = str(folder)
    if own_servers:
        os.environ["AGENTOPS_SECRET_KEY"] = "for tests only, and long enough for that"


@contextmanager
def running() -> Iterator[None]:
    """Servers up, unless DATABASE_URL and REDIS_URL name others; their data is gone afterwards."""
    facts = env.load()
    try:
        if facts.embedded is None:
            yield
            return
        services.prepare(facts.embedded, may_create_databases=True)
        with services.running(facts.embedded, durable=False):
            yield
    finally:
        shutil.rmtree(facts.data_dir)
        if facts.embedded:
            shutil.rmtree(facts.embedded.base, ignore_errors=True)
            shutil.rmtree(facts.embedded.sockets, ignore_errors=True)


def stack_environment(database: str) -> dict[str, str]:
    """For processes of the stack that must see the test database: `connection.settings_dict["NAME"]`."""
    facts = env.load()
    before, _, query = facts.database_url.partition("?")
    url = f"{before.rpartition('/')[0]}/{database}{'?' + query if query else ''}"
    return {
        "DATABASE_URL": url,
        "REDIS_URL": facts.redis_url,
        "AGENTOPS_SHOP_URL": facts.shop_url,
        "AGENTOPS_SHOP_READER_URL": facts.shop_reader_url,
        "AGENTOPS_SECRET_KEY": facts.secret_key,
    }


if __name__ == "__main__":  # python -m tests.services COMMAND ...: run it with the servers up
    claim_environment()
    with running():
        code = subprocess.call(sys.argv[1:])
    sys.exit(code)
