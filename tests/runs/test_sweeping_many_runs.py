"""What the sweep asks every second does not grow with the runs that have ended."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from runs import late
from runs.models import Run, Step, ToolCall
from tests.runs import factories

pytestmark = pytest.mark.django_db

MANY = 2000


def test_orphans_are_found_by_what_is_open_and_not_among_all_ended_runs() -> None:
    many_ended_runs()
    with CaptureQueriesContext(connection) as asked:
        assert late.orphans() == []
    [query] = asked.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE runs_run, runs_step, runs_toolcall")
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "open_steps" in plan, plan
    assert "open_calls" in plan, plan
    assert "Seq Scan" not in plan, plan


def many_ended_runs() -> None:
    agent = factories.agent(factories.team())
    limits = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9, "max_cost_usd": 1, "max_seconds": 9}
    common = {"team": agent.team, "agent": agent, "agent_name": agent.name, "version": agent.live, "goal": "x"}
    runs = Run.objects.bulk_create(Run(**common, **limits, status="succeeded", ended_at=Now()) for _ in range(MANY))
    known = {"number": 1, "fence": 1, "status": "answered", "input": {}, "opened_at": Now()}
    steps = Step.objects.bulk_create(Step(run=run, **known) for run in runs)
    call = {"position": 0, "tool": "look", "raw_arguments": {}, "arguments": {}, "status": "succeeded"}
    ToolCall.objects.bulk_create(ToolCall(run_id=s.run_id, step=s, proposed_at=Now(), **call) for s in steps)
