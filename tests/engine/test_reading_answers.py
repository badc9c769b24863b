"""JSON is found in what a model says around it, in a time that grows with its length alone."""

from __future__ import annotations

import multiprocessing

import pytest

from agentops.engine import answers, plans
from agentops.engine.plan_faults import PlanRefused

BLANK = "```json\n" + "\n" * 20_000 + " " * 20_000 + "no fence, no JSON"
SCHEMA = {"type": "object", "required": ["n"]}


@pytest.mark.parametrize(
    "words",
    ['{"n": 1}', 'Here:\n```json\n{"n": 1}\n```', 'Here:\n```\n\n{"n": 1}\n  ```\nDone.', '```json\r\n{"n": 1}```'],
)
def test_json_is_found_plain_or_in_a_fence(words: str) -> None:
    assert answers.read(words, SCHEMA) == ({"n": 1}, "")
    assert plans.read(words) == {"n": 1}


def read_both() -> None:
    assert "not JSON" in answers.read(BLANK, SCHEMA)[1]
    with pytest.raises(PlanRefused):
        plans.read(BLANK)


def test_blank_lines_without_end_hold_nobody_up() -> None:
    """In a process of its own: no thread could be stopped while an expression goes astray."""
    reading = multiprocessing.get_context("spawn").Process(target=read_both)
    reading.start()
    reading.join(30)
    astray = reading.is_alive()
    reading.kill()
    assert not astray
    assert reading.exitcode == 0
