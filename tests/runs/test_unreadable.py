"""A run that no worker can read ends and says so, instead of going from worker to worker for ever."""

from __future__ import annotations

from contextlib import closing

import pytest

from runs.models import Run, ToolCall
from runs.worker import Worker
from tests.engine.doubles import ScriptedModel

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_without_its_agents_version_fails(take: Take) -> None:
    run = make.run()
    limit = make.budget(10, run.team)
    hand = take(run)
    hand.open("0.5")
    [call] = hand.answer(make.answer("refund"))
    make.lose_lease(run)
    Run.objects.filter(pk=run.pk).update(agent=None, version=None)
    with closing(Worker(ScriptedModel())) as worker:
        worker.advance(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.stop_reason, run.wake_at) == ("failed", "error", None)
    assert make.account(limit).held == 0
    assert make.account(limit).spent == run.cost_usd > 0
    assert make.request_of(call).status == "cancelled"
    assert ToolCall.objects.get(run=run).status == "cancelled"
