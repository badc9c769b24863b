"""One run, one call at a time, against a model small enough to be right: what every deed makes of both statuses.

`test_machine.py` lets two runs race over money; here each deed's outcome is known beforehand, refusals too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import CallStatus, StopReason, WaitingOn
from agentops.engine.interrupts import End, Pause, Wait
from agentops.tools.registry import registry
from approvals.actions import decide, fire_due_timers
from approvals.models import ApprovalRequest
from runs import lease, sweep
from runs.actions import cancel_run, continue_run, pause_run, resolve_in_doubt, resume_run
from runs.late import ORPHANED_AFTER
from runs.models import Run, ToolCall

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

TIERS = {"note": "low", "mail": "medium", "refund": "high", "erase": "critical", "ask_human": "question"}
DECISIONS = {
    "approve": {"medium": "approved", "high": "approved"},
    "edit": {"medium": "approved", "high": "approved"},
    "reject": dict.fromkeys(["medium", "high", "critical", "question"], "rejected"),
    "answer": {"medium": "answered", "high": "answered", "question": "answered"},
    "done": {"critical": "done_by_person"},
}
"""What each decision makes of a held call of each tier; what is not here is refused."""
WITH = {"edit": {"arguments": {"value": "less"}}, "answer": {"answer": "42"}, "done": {"outcome": "I did it."}}
RESOLUTIONS = {"happened": "succeeded", "did_not_happen": "failed", "do_it_now": "approved"}
FINAL = ("succeeded", "failed", "cancelled")
OPEN = ("held", "approved", "executing", "in_doubt")


@dataclass
class Model:
    run: str = "queued"
    on: str = ""
    call: str = ""
    tier: str = ""
    due: bool = True
    """A worker that asks for the run gets it."""
    poked: bool = False
    to_pause: bool = False

    def leave(self, run: str, on: str = "") -> None:
        if run == "waiting" and self.to_pause:
            run, on = "paused", ""
        self.run, self.on, self.to_pause = run, on, False
        self.due = run == "waiting" and self.poked
        self.poked = False
        if run in FINAL and self.call in ("held", "approved"):
            self.call = "cancelled"

    def told(self, call: str, *waited_on: str) -> None:
        """Something became of the call: a run that waits for it goes on, a running one looks again as it leaves."""
        self.call = call
        self.due = self.due or (self.run == "waiting" and self.on in waited_on)
        self.poked = self.poked or self.run == "running"


class OneRun(RuleBasedStateMachine):
    executor: ThreadPoolExecutor

    @initialize()
    def begin(self) -> None:
        self.team = make.team()
        self.boss = make.admin(self.team)
        self.run = make.run(self.team)
        self.model = Model()
        self.hand: make.Hand | None = None

    # ── a worker ───────────────────────────────────────────────────────────────────────────────

    @rule()
    def take(self) -> None:
        held = lease.acquire(str(self.run.pk), "model")
        assert (held is not None) == self.model.due
        if held:
            self.hand = make.Hand(held, self.executor)
            self.model.run, self.model.on, self.model.due, self.model.poked = "running", "", False, False

    @precondition(lambda self: self.hand)
    @rule(tool=st.sampled_from([*TIERS, "answer", "failure"]), ok=st.booleans())
    def work(self, tool: str, ok: bool) -> None:
        """What the engine would do next, which the call as the worker knows it decides."""
        hand, model = self.hand, self.model
        known = next((call for call in hand.state.calls if not call.final), None)
        if known and known.status is CallStatus.EXECUTING and known.stale:
            known.status, known.stale, model.call = CallStatus.IN_DOUBT, False, "in_doubt"
            hand.do(hand.recorder.settle_calls(hand.state, [known]))
        elif known and known.status is CallStatus.EXECUTING:
            model.call = "succeeded" if ok else "failed"
            hand.settle(known, status=model.call)
        elif known and known.status is CallStatus.APPROVED:
            hand.do(hand.recorder.start_calls(hand.state))
            model.call = "executing"
        elif known:
            doubt = known.status is CallStatus.IN_DOUBT
            question = WaitingOn.ANSWER if known.asks_person else WaitingOn.APPROVAL
            self._leave(Wait(WaitingOn.IN_DOUBT if doubt else question))
        elif model.to_pause:
            self._leave(Pause())
        elif tool == "failure":
            self._open()
            down = End(StopReason.MODEL_FAILED)
            hand.do(hand.recorder.fail_step(hand.state, hand.step, [make.bill()], "down", down))
            self.hand = None
            model.leave("failed")
        elif tool == "answer":
            self._open()
            hand.finish()
            self.hand = None
            model.leave("succeeded")
        else:
            self._open()
            hand.answer(make.answer(tool))
            model.tier = TIERS[tool]
            model.call = "executing" if model.tier == "low" else "held"

    @precondition(lambda self: self.hand)
    @rule()
    def dies(self) -> None:
        make.lose_lease(self.run)
        self.hand = None
        self.model.due = True

    @rule()
    def sweep_comes_by(self) -> None:
        """After an ended run's worker had its time to speak."""
        Run.objects.filter(pk=self.run.pk, status__in=FINAL).update(ended_at=Now() - ORPHANED_AFTER * 2)
        sweep.settle_orphans()
        if self.model.run in FINAL and self.model.call == "executing":
            self.model.call = "in_doubt"

    # ── people and timers ──────────────────────────────────────────────────────────────────────

    @rule()
    def pause(self) -> None:
        model = self.model
        fits = model.run not in (*FINAL, "paused") and not model.to_pause
        self._expect(fits, lambda: pause_run(self.boss, self.run.pk))
        if fits and model.run == "running":
            model.to_pause = True
        elif fits:
            model.run, model.on, model.due = "paused", "", False

    @rule()
    def resume(self) -> None:
        model = self.model
        self._expect(model.run == "paused" or model.to_pause, lambda: resume_run(self.boss, self.run.pk))
        model.to_pause = False
        if model.run == "paused":
            model.run, model.due = "queued", True

    @rule(sure=st.integers(0, 3))
    def cancel(self, sure: int) -> None:
        if sure:
            return  # else few runs would live long
        fits = self.model.run not in FINAL
        self._expect(fits, lambda: cancel_run(self.boss, self.run.pk))
        if fits:
            self.hand = None
            self.model.leave("cancelled")

    @rule()
    def let_go_on(self) -> None:
        fits = self.model.run == "failed"
        self._expect(fits, lambda: continue_run(self.boss, self.run.pk))
        if fits:
            self.model.run, self.model.due = "queued", True

    @rule(decision=st.sampled_from(sorted(DECISIONS)))
    def decide(self, decision: str) -> None:
        request = self._request()
        if request is None:
            return
        model = self.model
        becomes = DECISIONS[decision].get(model.tier) if model.call == "held" else None
        more: dict[str, Any] = WITH.get(decision, {})
        said = {"decision": decision, "revision": request.revision, "via": "page", **more}
        self._expect(becomes is not None, lambda: decide(self.boss, request.pk, **said))
        if becomes:
            model.told(becomes, "approval", "answer")

    @rule()
    def countdown_ends(self) -> None:
        fire_due_timers()
        ApprovalRequest.objects.filter(team=self.team, decide_at__isnull=False).update(decide_at=Now())
        fire_due_timers()
        model = self.model
        frozen = model.run == "paused" or model.to_pause
        if model.call == "held" and model.tier == "medium" and not frozen:
            model.told("approved", "approval")

    @rule(outcome=st.sampled_from(sorted(RESOLUTIONS)))
    def resolve(self, outcome: str) -> None:
        call = ToolCall.objects.filter(run=self.run).last()
        if call is None:
            return
        model = self.model
        fits = model.call == "in_doubt" and not (outcome == "do_it_now" and model.run in FINAL)
        self._expect(fits, lambda: resolve_in_doubt(self.boss, call.pk, outcome))
        if fits:
            model.told(RESOLUTIONS[outcome], "in_doubt")

    # ── what always holds ──────────────────────────────────────────────────────────────────────

    @invariant()
    def both_are_what_the_model_says(self) -> None:
        run = Run.objects.get(pk=self.run.pk)
        call = ToolCall.objects.filter(run=self.run).last()
        now = (run.status, run.waiting_on, run.pause_requested, call.status if call else "")
        assert now == (self.model.run, self.model.on, self.model.to_pause, self.model.call)

    @invariant()
    def a_request_is_open_as_long_as_its_call_is_held(self) -> None:
        pending = ApprovalRequest.objects.pending().filter(team=self.team).count()
        assert pending == (self.model.call == "held")

    # ── parts ──────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        if self.hand.state.interrupted:
            self.hand.reopen()
        else:
            self.hand.open()

    def _leave(self, why: Any) -> None:
        self.hand.leave(why)
        self.hand = None
        self.model.leave("waiting" if isinstance(why, Wait) else "paused", getattr(why, "on", ""))

    def _request(self) -> ApprovalRequest | None:
        call = ToolCall.objects.filter(run=self.run).last()
        return ApprovalRequest.objects.filter(subject_id=str(call.pk)).first() if call else None

    def _expect(self, fits: bool, deed: Callable[[], Any]) -> None:
        if fits:
            deed()
        else:
            with pytest.raises((Conflict, InvalidInput)):
                deed()


@pytest.fixture
def executor_of_machine(executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    OneRun.executor = executor
    monkeypatch.setattr(django_settings, "AGENTOPS_GRACE_SECONDS", 0)
    for tool in make.TOOLS.tools.values():
        monkeypatch.setitem(registry._tools, tool.name, tool)
    yield


@pytest.mark.usefixtures("executor_of_machine")
def test_every_deed_does_to_both_statuses_what_the_model_says() -> None:
    run_state_machine_as_test(
        OneRun,
        settings=settings(
            max_examples=25,
            stateful_step_count=35,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
