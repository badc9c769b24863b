"""A newcomer adds a tool in Python: one folder beside manage.py, one variable, and an agent uses it in a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from agentops.env import PROJECT
from tests import services

pytestmark = pytest.mark.django_db(transaction=True)

TOOLS = '''
from agentops.tools import tool


@tool(tier="low", effect="Greet {name}")
def greet(name: str) -> str:
    """Greet somebody by name."""
    return f"Hello, {name}!"
'''

PLAY = """
import json, django
django.setup()
from agentops.accounts.access import SetUp
from agentops.accounts.models import Team
from runs.actions import publish_agent, start_run
from runs.models import Agent, Run, ToolCall
from runs.worker import Worker

agent = Agent.objects.create(team=Team.objects.create(name="Mine", slug="mine"), name="greeter", title="Greeter")
publish_agent(SetUp(), agent, system_prompt="You greet people.", tools=["greet"], model_chain=["claude-sonnet-5-5"])
run, _ = start_run(SetUp(), agent="greeter", goal='Use greet {"name": "Ada"}.', via="command")
worker = Worker()
worker.advance(str(run.pk))
worker.close()
run.refresh_from_db()
call = ToolCall.objects.get(run=run)
print(json.dumps([run.status, run.answer, call.effect, call.result["data"]]))
"""


def in_its_own_process(folder: Path, simulator_url: str) -> subprocess.CompletedProcess[str]:
    """With the folder where Python finds it, as it finds what stands beside manage.py."""
    variables = services.stack_environment(connection.settings_dict["NAME"]) | {
        "DJANGO_SETTINGS_MODULE": "agentops.settings",
        "AGENTOPS_DATA_DIR": str(folder / "data"),
        "AGENTOPS_APPS": "greetings",
        "ANTHROPIC_API_KEY": "any",
        "ANTHROPIC_BASE_URL": simulator_url,
        "PYTHONPATH": f"{folder}:{PROJECT}",
    }
    return subprocess.run(
        [sys.executable, "-c", PLAY], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )


def package(folder: Path, tools: str) -> None:
    (folder / "greetings").mkdir()
    (folder / "greetings" / "__init__.py").touch()
    (folder / "greetings" / "tools.py").write_text(tools)


def test_a_tool_of_ones_own_is_found_and_used(tmp_path: Path, simulator_url: str) -> None:
    package(tmp_path, TOOLS)
    done = in_its_own_process(tmp_path, simulator_url)
    assert done.returncode == 0, done.stderr
    status, answer, effect, data = json.loads(done.stdout.splitlines()[-1])
    assert (status, effect, data) == ("succeeded", "Greet Ada", "Hello, Ada!")
    assert "`greet`: Hello, Ada!" in answer


def test_a_tool_that_is_declared_wrongly_stops_the_start_and_says_why(tmp_path: Path, simulator_url: str) -> None:
    package(tmp_path, TOOLS.replace('effect="Greet {name}"', 'effect="Greet {nobody}"'))
    done = in_its_own_process(tmp_path, simulator_url)
    assert done.returncode != 0
    assert "tool greet (greetings.tools): the effect names nobody" in done.stderr
