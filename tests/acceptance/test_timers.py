"""A medium action approves itself when its countdown ends, by the real sweep, and not before."""

from __future__ import annotations

import pytest

from approvals.models import ApprovalRequest, Decision, ToolTier

from .stack import Stack
from .world import World, assert_at_rest, assert_effects_once, call, ended, turn, use, waits

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


def test_medium_happens_when_its_countdown_ends_and_not_before(stack: Stack, world: World) -> None:
    ToolTier.objects.create(team=world.team, tool="publish", tier="medium", timer_seconds=3)
    run = world.start([turn(use("publish", what="news"))])
    waits(run, "approval")
    request = ApprovalRequest.objects.get()
    assert (request.tier, request.on_deadline) == ("medium", "approve")
    deadline = request.decide_at
    assert ended(run).status == "succeeded"
    request.refresh_from_db()
    published = call(run, "publish")
    assert (request.status, request.decided_via) == ("approved", "timer")
    assert deadline is not None
    assert deadline <= request.decided_at <= published.started_at
    assert [decision.via for decision in Decision.objects.all()] == ["timer"]
    assert_effects_once(stack.ledger.count(), [run])
    assert_at_rest([run])
