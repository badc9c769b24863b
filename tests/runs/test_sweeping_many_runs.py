"""What the sweep asks every second does not grow with the runs that have ended."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from runs import late

pytestmark = pytest.mark.django_db(transaction=True)


def test_orphans_are_found_by_what_is_open_and_not_among_all_ended_runs() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert late.orphans() == []
    [query] = asked.captured_queries
    with transaction.atomic(), connection.cursor() as cursor:
        # The tables are empty here: without this a sequential scan would be the cheapest way.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("ANALYZE runs_run, runs_step, runs_toolcall")
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "open_steps" in plan, plan
    assert "open_calls" in plan, plan
    assert "Seq Scan" not in plan, plan
