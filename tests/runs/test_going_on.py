"""A run that failed goes on from the step it failed in, of whatever kind that is."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.models import ModelAnswer, ModelFailed, ModelRequest
from runs.actions import continue_run, start_run
from runs.models import Run, Step
from tests.engine.doubles import attempt, calls

from . import factories as make
from .cast import Cast, plan, pump, step
from .conftest import Make

pytestmark = pytest.mark.django_db(transaction=True)


def begin(**version: Any) -> Run:
    team = make.team()
    agent = make.agent(team, **version)
    run, _ = start_run(make.admin(team), agent=agent.name, goal="[boss] Do it.", via="api")
    return run


def failing(_request: ModelRequest) -> ModelAnswer:
    raise ModelFailed("bad_request", "The key is not valid.", [attempt(kind="bad_request")])


def test_a_run_that_failed_while_it_planned_makes_its_plan(workers: Make) -> None:
    run = begin(planning="plan")
    cast = Cast(boss=[failing], one=["One."])
    worker = workers(cast)
    pump(worker)
    run.refresh_from_db()
    assert (run.status, run.stop_reason) == ("failed", "model_failed")
    cast.parts["boss"] = [plan(step("one")), "All done."]
    continue_run(make.admin(run.team), run.pk)
    pump(worker)
    run.refresh_from_db()
    assert (run.status, run.answer) == ("succeeded", "All done.")
    kinds = Step.objects.filter(run=run).order_by("number").values_list("number", "kind", "status")
    assert list(kinds) == [(1, "plan", "answered"), (2, "turn", "answered")]


@pytest.mark.parametrize("strange", ["\ud800", "\x00"])
def test_what_no_database_stores_is_no_reason_to_fail(workers: Make, strange: str) -> None:
    """A tool of such a name, in words with such characters, told back and quoted to a person."""
    run = begin(max_steps=20)
    odd = calls(("no" + strange, {"value": strange}), words=f"Hm{strange}.")
    pump(workers(Cast(boss=[odd] * 12)))
    run.refresh_from_db()
    assert (run.status, run.waiting_on) == ("waiting", "answer")
