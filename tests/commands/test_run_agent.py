"""From the command line a run is started, told as it happens, and left to itself when nobody listens."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agentops.accounts.access import SetUp
from agentops.demo.agents import DATABASE_ANALYST
from agentops.demo.seed import seed
from runs.actions import publish_agent
from runs.models import Agent, Run
from runs.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)

GOAL = DATABASE_ANALYST.example_goal


@pytest.fixture(autouse=True)
def demo() -> None:
    seed()


def run_agent(*arguments: str, stdout: io.StringIO | None = None) -> tuple[int, str, str]:
    """Exit code, what it printed, what it complained of."""
    printed, complained = stdout or io.StringIO(), io.StringIO()
    try:
        call_command("run_agent", *arguments, stdout=printed, stderr=complained)
    except SystemExit as end:
        return int(end.code or 0), printed.getvalue(), complained.getvalue()
    return 0, printed.getvalue(), complained.getvalue()


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_without_waiting_it_says_where_the_run_is() -> None:
    code, printed, _ = run_agent("database-analyst", GOAL)
    run = Run.objects.get()
    assert code == 0
    assert printed.splitlines() == [f"run {run.pk}", f"http://127.0.0.1:8000/runs/{run.pk}/"]
    assert (run.goal, run.started_via, run.inputs) == (GOAL, "command", {"period": "all orders"})


def test_it_tells_the_run_to_its_end(worker: Worker) -> None:
    code, printed, _ = run_agent("database-analyst", GOAL, "--input", "period=last 7 days", "--wait")
    assert code == 0
    assert "Step 3" in printed
    assert printed.count("First I look at what there is.") == 1
    # Told when it begins and when it ends, or once when both had happened before we looked.
    assert printed.count("Query: SELECT count(*)") == 1 and "[low]" in printed
    assert re.search(r"^  ✓ .*· Succeeded", printed, re.MULTILINE)
    assert printed.count("orders brought") == 1
    assert "3 steps · 3 tool calls" in printed.splitlines()[-1]
    assert Run.objects.get().inputs == {"period": "last 7 days"}


def test_for_machines_every_line_is_an_object(worker: Worker) -> None:
    code, printed, _ = run_agent("database-analyst", GOAL, "--wait", "--json")
    told = lines(printed)
    run = Run.objects.get()
    assert code == 0
    assert told[0] == {"type": "run", "id": str(run.pk), "url": f"http://127.0.0.1:8000/runs/{run.pk}/"}
    assert [each["seq"] for each in told if each["type"] == "event"] == list(range(1, run.seq + 1))
    assert told[-1]["type"] == "end"
    assert (told[-1]["status"], told[-1]["answer"]) == ("succeeded", run.answer)


def test_without_redis_it_still_tells_everything(worker: Worker, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    code, printed, _ = run_agent("database-analyst", GOAL, "--wait")
    assert code == 0
    assert "First I look at what there is." in printed and "Succeeded" in printed


def test_ctrl_c_leaves_the_run_alone() -> None:
    class Interrupted(io.StringIO):
        """Ctrl-C comes while the first event is told."""

        def write(self, text: str) -> int:
            if '"event"' in text:
                raise KeyboardInterrupt
            return super().write(text)

    code, _, complained = run_agent("database-analyst", GOAL, "--wait", "--json", stdout=Interrupted())
    run = Run.objects.get()
    assert code == 130
    assert f"The run goes on: http://127.0.0.1:8000/runs/{run.pk}/" in complained
    assert run.status == "queued"


def test_the_exit_code_says_how_it_ended(worker: Worker) -> None:
    publish_agent(SetUp(), Agent.objects.get(name="database-analyst"), max_steps=1)
    code, printed, _ = run_agent("database-analyst", GOAL, "--wait")
    assert code == 1
    assert "Failed (max_steps)" in printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no-such-agent", "Do it."], "no agent named"),
        (["database-analyst", ""], "what the agent is to do"),
        (["database-analyst", "x", "--input", "period"], "NAME=VALUE"),
        (["database-analyst", "x", "--input", "period=never"], "inputs.period"),
        (["database-analyst", "x", "--input", "colour=red"], "inputs.colour"),
        (["database-analyst", "x", "--user", "nobody"], "no person named nobody"),
    ],
)
def test_what_cannot_be_started_is_said(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run_agent(*arguments)
    assert not Run.objects.exists()


def test_a_run_is_started_with_a_priority() -> None:
    assert run_agent("database-analyst", GOAL, "--priority", "high")[0] == 0
    assert Run.objects.get().priority == Run.Priority.HIGH
    with pytest.raises(CommandError, match="priority"):
        run_agent("database-analyst", GOAL, "--priority", "urgent")
