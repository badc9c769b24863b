"""Valkey and PostgreSQL are killed under the running stack: it waits, comes back, and has lost nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from approvals.actions import decide
from approvals.models import ApprovalRequest, ToolTier
from runs.models import Run

from . import servers
from .stack import RUN_WORKERS, Stack, eventually
from .test_kills import settle_doubts
from .world import World, assert_at_rest, assert_effects_once, describe, ended, turn, use, waits

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


def busy(world: World) -> list[Run]:
    """Runs with something to do for some seconds."""
    turns = [
        turn(use("pay", what="a", after=0.3), delay_ms=50, deltas=10),
        turn(use("register", what="b", after=0.3), delay_ms=50, deltas=10),
        turn(use("pay", what="c", after=0.3), delay_ms=50, deltas=10),
    ]
    return [world.start(turns) for _ in range(10)]


def test_people_decide_and_runs_finish_though_valkey_dies(stack: Stack, world: World) -> None:
    valkey = servers.the_valkey()
    ToolTier.objects.create(team=world.team, tool="publish", tier="high")
    held = waits(world.start([turn(use("publish", what="news"))]), "approval")
    runs = busy(world)
    eventually(lambda: Run.objects.filter(pk__in=[run.pk for run in runs], status="running").exists(), "they run")
    valkey.kill()
    try:
        request = ApprovalRequest.objects.get()
        decide(world.actor, request.pk, decision="approve", revision=request.revision, via="page")
        unheard = world.start([turn(use("register", what="x"))])
        assert ApprovalRequest.objects.get().status == "approved"
    finally:
        valkey.start()
    everyone = [held, unheard, *runs]
    for run in everyone:
        assert ended(run).status == "succeeded", describe([run])
    assert_at_rest(everyone)
    assert_effects_once(stack.ledger.count(), everyone)


def test_nothing_is_lost_or_done_twice_though_postgresql_dies(stack: Stack, world: World) -> None:
    postgres = servers.the_postgres()
    runs = busy(world)
    eventually(lambda: stack.ledger.count(), "something happens")
    postgres.kill()
    postgres.start()
    connection.close()
    mine = Run.objects.filter(pk__in=[run.pk for run in runs])
    eventually(lambda: settle_doubts(world, stack) or not mine.live().exists(), "every run ends")
    assert set(mine.values_list("status", flat=True)) == {"succeeded"}, describe(runs)
    assert all(stack.is_up(name) for name in RUN_WORKERS)
    assert_at_rest(runs)
    assert_effects_once(stack.ledger.count(), runs)
