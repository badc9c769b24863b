"""A stack of its own for the harness, with a web server, on the tests' servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.acceptance import servers
from tests.acceptance.stack import Stack


def pytest_unconfigure() -> None:
    servers.stop_all()


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    name = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        # The tests' server would forget the last commits when it is killed.
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(name)} SET synchronous_commit = on")
    connection.close_pool()  # those that are open already would go on as before
    made = Stack(
        tmp_path,
        name,
        web=True,
        DJANGO_SETTINGS_MODULE="tests.faults.settings",
        FAULTS_LEDGER=str(tmp_path / "effects"),
        AGENTOPS_GRACE_SECONDS="1",
    )
    try:
        yield made
    finally:
        made.close()
