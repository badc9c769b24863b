"""A connection lost in the journal's own statements is told as Django tells it: a run waits then, it does not fail."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from runs.journal import run_statement

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_lost_in_a_commit_is_an_outage_and_no_fault_of_the_run() -> None:
    try:
        with pytest.raises(OperationalError):
            run_statement("SELECT pg_terminate_backend(pg_backend_pid())", {})
    finally:
        connection.close()
    assert run_statement("SELECT 1", {}) == (1,)
