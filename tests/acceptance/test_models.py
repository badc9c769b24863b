"""Runs against another maker's Messages server, given by ANTHROPIC_BASE_URL alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runs.actions import cancel_run, start_run
from runs.models import ModelCall

from .compatible import SLOW, CompatibleServer
from .stack import eventually
from .world import World, assert_at_rest, ended, kinds

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def compatible() -> Iterator[CompatibleServer]:
    server = CompatibleServer()
    yield server
    server.close()


@pytest.fixture
def variables(compatible: CompatibleServer) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": compatible.url}


def test_it_drives_a_run_unchanged(world: World) -> None:
    run, _ = start_run(world.actor, agent=world.agent.name, goal="Look, then answer.", via="api")
    assert ended(run).status == "succeeded", run.stop_detail
    assert run.answer == "All is well: 1 look — ünïcödé."
    calls = list(ModelCall.objects.filter(run=run))
    assert [(call.input_tokens, call.output_tokens, call.cache_read_tokens) for call in calls] == [(11, 5, 0)] * 2
    assert [call.tool for call in run.call_set.all()] == ["look"]
    assert_at_rest([run])


def test_cancelling_cuts_the_stream_and_bills_what_came(world: World, compatible: CompatibleServer) -> None:
    run, _ = start_run(world.actor, agent=world.agent.name, goal=SLOW, via="api")
    assert compatible.streaming.wait(60)
    assert not compatible.left.is_set()
    cancelled = cancel_run(world.actor, run.pk, "Enough.")
    assert (cancelled.status, cancelled.stop_detail) == ("cancelled", "Enough.")
    assert compatible.left.wait(60), "the connection stays open"
    eventually(lambda: run.step_set.get().status == "abandoned", "the cut-off step is settled")
    bill = ModelCall.objects.get(run=run)
    assert (bill.estimated, bill.error_kind) == (True, "cancelled")
    assert bill.cost_usd > 0
    run.refresh_from_db()
    assert (run.status, run.cost_usd) == ("cancelled", bill.cost_usd)
    # The worker is free for others, and is done with this one.
    following, _ = start_run(world.actor, agent=world.agent.name, goal="Look, then answer.", via="api")
    ended(following)
    assert kinds(run)[-3:] == ["person.acted", "run.changed", "step.abandoned"]
    assert_at_rest([run, following])
