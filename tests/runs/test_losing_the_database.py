"""A connection lost in the journal's own statements is told as Django tells it: a run waits then, it does not fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from runs.committing import give_back_connections, keep_connection, returning_connection
from runs.statements import first_row

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_lost_in_a_commit_is_an_outage_and_no_fault_of_the_run() -> None:
    try:
        with pytest.raises(OperationalError):
            first_row("SELECT pg_terminate_backend(pg_backend_pid())", {})
    finally:
        connection.close()
    assert first_row("SELECT 1", {}) == (1,)


def test_a_thread_that_keeps_its_connection_notices_that_the_server_has_ended_it() -> None:
    with ThreadPoolExecutor(1, initializer=keep_connection) as thread:

        def ask() -> int:
            row = first_row("SELECT pg_backend_pid()", {})
            assert row is not None
            return int(row[0])

        def job() -> int:
            return thread.submit(returning_connection, ask).result()

        first = job()
        assert job() == first
        assert first_row("SELECT pg_terminate_backend(%(pid)s::int, 5000)", {"pid": first}) == (True,)
        second = job()
        assert second != first
        give_back_connections(thread, 1)
        assert thread.submit(lambda: connection.connection).result() is None
