"""Workers die at random while people speak to runs, ask, change, take back, let go on: nothing twice, nothing lost."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from typing import Any

import pytest

from agentops.core.errors import Conflict
from agentops.tools.registry import registry
from approvals.actions import ask, decide
from approvals.models import ApprovalRequest, Inquiry
from runs.actions import continue_run, send_message
from runs.models import Run, RunMessage, Step, ToolCall
from runs.models.run import RunQuerySet

from .stack import Stack, eventually
from .test_kills import holders, settle_doubts
from .world import TOOLS, World, assert_at_rest, assert_effects_once, describe, kinds, turn, use

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]

RUNS = 10
KILLS = 3


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch, settings: Any) -> World:
    """Its agent may ask people; who edits here has the tools of the stack, and a moment to take it back."""
    settings.AGENTOPS_GRACE_SECONDS = 1
    # Other stacks of the tests have tools of the same names.
    monkeypatch.setattr(registry, "_tools", {name: tool for name, tool in registry._tools.items() if _is_ours(tool)})
    monkeypatch.delitem(sys.modules, "tests.acceptance.effects.tools", raising=False)
    from tests.acceptance.effects import tools  # noqa: F401 - adds its tools

    world.agent.live.tools = [*TOOLS, "ask_human"]
    world.agent.live.save()
    return world


def _is_ours(tool: Any) -> bool:
    return not str(getattr(getattr(tool, "function", None), "__module__", "")).startswith("tests.")


def script(lot: random.Random) -> list[dict[str, object]]:
    slowly = {"before": lot.uniform(0, 0.3), "after": lot.uniform(0, 0.3)}
    streaming = {"delay_ms": 40, "deltas": 10, "text": "x" * 200}
    return [
        turn(use("pay", what="first", **slowly), use("publish", what="one"), use("publish", what="two"), **streaming),
        turn(use("ask_human", question="Which colour?"), **streaming),
        turn(use("publish", what="three"), use("register", what="it", **slowly), **streaming),
        turn(use("look"), **streaming),
    ]


class People:
    """Act on whatever they see, by lot."""

    def __init__(self, world: World, lot: random.Random) -> None:
        self.world, self.lot = world, lot
        self.did: Counter[str] = Counter()

    def act(self, runs: RunQuerySet) -> None:
        for request in ApprovalRequest.objects.filter(status="pending"):
            self._try(lambda request=request: self._decide(request))
        for request in ApprovalRequest.objects.filter(status="approved", takes_effect_at__isnull=False):
            if request.revision < 4 and self.lot.random() < 0.1:
                self._try(lambda request=request: self._say(request, "take_back"))
        for run in runs.filter(status="failed"):
            self._try(
                lambda run=run: continue_run(self.world.actor, run.pk, {"max_steps": run.max_steps + 4}), "let go on"
            )
        for run in runs.live():
            if self.lot.random() < 0.01:
                self._try(lambda run=run: send_message(self.world.actor, run.pk, f"Note {run.seq}."), "said")

    def _decide(self, request: ApprovalRequest) -> None:
        if request.wants == "answer":
            self._say(request, "answer", answer="Blue.")
        elif not request.inquiries.exists() and self.lot.random() < 0.4:
            ask(self.world.actor, request.pk, question="Why this?")
            self.did["ask"] += 1
        elif self.lot.random() < 0.2:
            verb = self.lot.choice(["approve", "approve", "edit", "edit", "reject"])
            more = {"arguments": {"what": "changed"}} if verb == "edit" else {}
            self._say(request, verb, **more)

    def _say(self, request: ApprovalRequest, verb: str, **more: Any) -> None:
        decide(self.world.actor, request.pk, decision=verb, revision=request.revision, via="page", **more)
        self.did[verb] += 1

    def _try(self, deed: Any, name: str = "") -> None:
        try:
            deed()
        except Conflict:
            return
        if name:
            self.did[name] += 1


def test_people_and_killed_workers_together_lose_and_repeat_nothing(stack: Stack, world: World) -> None:
    lot = random.Random(20261121)
    runs = [world.start(script(lot), limits={"max_steps": 3} if n % 3 == 0 else {}) for n in range(RUNS)]
    mine = Run.objects.filter(pk__in=[run.pk for run in runs])
    people, kills = People(world, lot), KILLS
    next_kill = time.monotonic() + 1

    def all_done() -> bool:
        nonlocal kills, next_kill
        people.act(mine)
        settle_doubts(world, stack)
        if kills and time.monotonic() > next_kill and (victims := holders(stack)):
            victim = lot.choice(victims)
            stack.kill(victim)
            stack.ensure([victim], wait=False)
            kills, next_kill = kills - 1, time.monotonic() + lot.uniform(1, 3)
        return not mine.exclude(status="succeeded").exists()

    eventually(all_done, "every run succeeds", details=lambda: describe(mine.exclude(status="succeeded")))

    assert_at_rest(runs)
    assert_effects_once(stack.ledger.count(), runs)
    for call in ToolCall.objects.filter(tool="publish", status="succeeded", resolved_by_name=str(world.actor)):
        assert (call.result or {})["data"] in (f"Published {call.arguments['what']}.", None), "not what was approved"
    _every_word_is_heard_once()
    assert not ApprovalRequest.objects.filter(status="pending").exists()
    assert not Inquiry.objects.filter(answered_at=None, request__status="pending").exists()
    assert set(ToolCall.objects.filter(tool="ask_human").values_list("status", flat=True)) == {"answered"}
    recovered = sum(kinds(run).count("run.recovered") for run in runs)
    print(dict(people.did), f"{recovered} recoveries")
    assert recovered
    assert {"ask", "approve", "edit", "take_back", "answer", "let go on", "said"} <= people.did.keys()


def _every_word_is_heard_once() -> None:
    for message in RunMessage.objects.all():
        carried = [
            step.pk
            for step in Step.objects.filter(run=message.run, kind="turn")
            if any(message.text in block.get("text", "") for block in step.input["content"])
        ]
        assert carried == [message.step_id], message.text
