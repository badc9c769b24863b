"""Any order of what workers and people do: both machines keep to their tables, and no cent is lost or made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models import Sum
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

from agentops.core.errors import BudgetRefused, Conflict, LeaseLost
from agentops.core.states import CALL_TRANSITIONS, RUN_TRANSITIONS, CallStatus, RunStatus, StopReason, WaitingOn
from agentops.engine.interrupts import End, Pause, Release, Wait
from agentops.tools.registry import registry
from approvals.actions import decide
from approvals.models import ApprovalRequest
from runs import lease, sweep
from runs.actions import cancel_run, continue_run, pause_run, resolve_in_doubt, resume_run, send_message
from runs.late import ORPHANED_AFTER
from runs.models import Account, Budget, Event, ModelCall, Run, Step, ToolCall

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = Decimal("0.30")
TOOLS = st.lists(st.sampled_from(["look", "note", "mail", "refund", "erase", "ask_human"]), max_size=3) | st.just(
    ["refund", "note"]
)
COSTS = st.sampled_from(["0.001", "0.004", "0.01"])


class TwoRuns(RuleBasedStateMachine):
    """Two runs under a team's and a common budget; at most one worker holds each, and one may be a ghost."""

    executor: ThreadPoolExecutor

    @initialize()
    def begin(self) -> None:
        Budget.objects.all().delete()
        django_settings.AGENTOPS_GRACE_SECONDS = 0
        self.team = make.team()
        self.boss = make.admin(self.team)
        self.budgets = [make.budget(LIMIT, self.team), make.budget(LIMIT * 2)]
        self.runs = [make.run(self.team) for _ in range(2)]
        self.hands: dict[int, make.Hand] = {}
        self.ghosts: list[make.Hand] = []
        self.run_status = {run.pk: RunStatus.QUEUED for run in self.runs}
        self.call_status: dict[int, CallStatus] = {}

    # ── a worker ───────────────────────────────────────────────────────────────────────────────

    def take(self, n: int) -> None:
        held = lease.acquire(str(self.runs[n].pk), "machine")
        if n in self.hands:
            assert held is None, "two workers hold one run"
        elif held:
            self.hands[n] = make.Hand(held, self.executor)

    @rule(n=st.integers(0, 1), commits=st.integers(1, 4), cost=COSTS, uses=TOOLS)
    def work(self, n: int, commits: int, cost: str, uses: list[str]) -> None:
        """The next commits of a run, whichever they are."""
        self.take(n)
        for _ in range(commits):
            if n not in self.hands:
                return
            hand = self.hands[n]
            try:
                self._next(n, hand, cost, uses)
            except BudgetRefused as refused:
                self._leave(n, hand, Wait(WaitingOn.BUDGET, None if refused.spent else 0.0))
            except LeaseLost:
                self._ghost(n)

    def _next(self, n: int, hand: make.Hand, cost: str, uses: list[str]) -> None:
        calls = hand.state.calls
        if hand.step:
            if uses:
                hand.answer(make.answer(*uses, cost=cost))
            else:
                hand.answer(make.answer(cost=cost), End(StopReason.ANSWERED, "Done."))
                del self.hands[n]
        elif any(call.status is CallStatus.EXECUTING and call.stale and not call.idempotent for call in calls):
            doubtful = [call for call in calls if call.stale and not call.idempotent]
            for call in doubtful:
                call.status, call.stale = CallStatus.IN_DOUBT, False
            hand.do(hand.recorder.settle_calls(hand.state, doubtful))
        elif any(
            (call.due_in == 0 and call.status is CallStatus.APPROVED) or call.stale for call in hand.state.open_calls
        ):
            hand.do(hand.recorder.start_calls(hand.state))
        elif running := [call for call in calls if call.status is CallStatus.EXECUTING]:
            hand.settle(*running, status="succeeded" if cost == "0.01" else "failed")
        elif any(call.status is CallStatus.IN_DOUBT for call in calls):
            self._leave(n, hand, Wait(WaitingOn.IN_DOUBT))
        elif hand.state.open_calls:
            due = [call.due_in for call in hand.state.open_calls if call.status is CallStatus.APPROVED]
            self._leave(n, hand, Wait(WaitingOn.APPROVAL, min(due, default=None)))
        elif hand.state.interrupted:
            hand.reopen()
        else:
            hand.open()

    @precondition(lambda self: any(hand.step for hand in self.hands.values()))
    @rule(data=st.data(), cost=COSTS, end=st.booleans())
    def model_fails(self, data: st.DataObject, cost: str, end: bool) -> None:
        n, hand = self._some_hand(data, lambda hand: hand.step is not None)
        why = End(StopReason.MODEL_FAILED) if end else Wait(WaitingOn.BACKOFF, 0.0)
        try:
            hand.do(hand.recorder.fail_step(hand.state, hand.step, [make.bill(cost)], "down", why))
        except LeaseLost:
            self._ghost(n)
        else:
            del self.hands[n]

    @precondition(lambda self: any(hand.step for hand in self.hands.values()))
    @rule(data=st.data(), cost=COSTS)
    def attempt_fails(self, data: st.DataObject, cost: str) -> None:
        n, hand = self._some_hand(data, lambda hand: hand.step is not None)
        try:
            number = hand.recorder.billed + 1
            hand.do(hand.recorder.bill(hand.state, hand.step, make.bill(cost, number=number)))
        except BudgetRefused:
            wait = Wait(WaitingOn.BUDGET)
            hand.do(hand.recorder.fail_step(hand.state, hand.step, [], "no money", wait))
            del self.hands[n]
        except LeaseLost:
            self._ghost(n)

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), why=st.sampled_from([Pause(), Release(), End(StopReason.ERROR)]))
    def leaves(self, data: st.DataObject, why: Any) -> None:
        n, hand = self._some_hand(data, lambda hand: not isinstance(why, Pause) or hand.step is None)
        self._leave(n, hand, why)

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), expired=st.booleans())
    def dies(self, data: st.DataObject, expired: bool) -> None:
        n, _ = self._some_hand(data)
        if expired:
            make.lose_lease(self.runs[n])
        self._ghost(n)

    @precondition(lambda self: self.ghosts)
    @rule(cost=COSTS)
    def ghost_speaks(self, cost: str) -> None:
        """A worker that was cut off says at last what its call cost and what its effects did."""
        hand = self.ghosts.pop(0)
        if hand.step:
            hand.late([make.bill(cost, number=hand.recorder.billed + 1)])
        running = [call for call in hand.state.calls if call.status is CallStatus.EXECUTING]
        hand.late([], *make.settled(*running))
        self.hands = {n: other for n, other in self.hands.items() if other is not hand}

    @rule()
    def time_passes(self) -> None:
        """Leases of the dead run out, orphans are old enough, and the sweep comes by."""
        for n, run in enumerate(self.runs):
            if n not in self.hands:
                make.lose_lease(run)
        Run.objects.filter(status__in=Run.FINAL).update(ended_at=Now() - ORPHANED_AFTER * 2)
        sweep.settle_orphans()

    # ── people ─────────────────────────────────────────────────────────────────────────────────

    @rule(n=st.integers(0, 1), verb=st.sampled_from([cancel_run, pause_run, pause_run, resume_run, resume_run]))
    def control(self, n: int, verb: Any) -> None:
        with contextlib.suppress(Conflict):
            verb(self.boss, self.runs[n].pk)

    @rule(n=st.integers(0, 1))
    def speaks(self, n: int) -> None:
        with contextlib.suppress(Conflict):
            send_message(self.boss, self.runs[n].pk, "Mind the gap.")

    @rule(n=st.integers(0, 1))
    def lets_go_on(self, n: int) -> None:
        with contextlib.suppress(Conflict):
            continue_run(self.boss, self.runs[n].pk)

    @rule(grace=st.booleans())
    def thinks_twice(self, grace: bool) -> None:
        """Approvals may be taken back from now on, or take effect at once."""
        django_settings.AGENTOPS_GRACE_SECONDS = 600 if grace else 0

    @rule()
    def takes_back(self) -> None:
        approved = ApprovalRequest.objects.filter(team=self.team, takes_effect_at__gt=Now()).first()
        if approved:
            with contextlib.suppress(Conflict):
                decide(self.boss, approved.pk, decision="take_back", revision=approved.revision, via="page")

    @rule()
    def grace_ends(self) -> None:
        ToolCall.objects.filter(run__in=self.runs, dispatch_at__isnull=False).update(dispatch_at=Now())
        Run.objects.filter(pk__in=self.run_status, status="waiting", wake_at__isnull=False).update(wake_at=Now())

    @rule(data=st.data())
    def decides(self, data: st.DataObject) -> None:
        pending = list(ApprovalRequest.objects.pending().filter(team=self.team).order_by("created_at"))
        if not pending:
            return
        request = data.draw(st.sampled_from(pending))
        critical = request.tier == "critical"
        if request.wants == "answer":
            choices = ["answer", "reject"]
        else:
            choices = ["done"] if critical else ["approve", "answer", "edit"]
        decision = data.draw(st.sampled_from([*choices, "reject"]))
        more = {"done": {"outcome": "I did it."}, "answer": {"answer": "42"}, "edit": {"arguments": {"value": "less"}}}
        decide(
            self.boss,
            request.pk,
            decision=decision,
            revision=request.revision,
            via="page",
            **more.get(decision, {}),
        )

    @rule(outcome=st.sampled_from(["happened", "did_not_happen", "do_it_now"]))
    def resolves(self, outcome: str) -> None:
        call = ToolCall.objects.filter(run__in=self.runs, status=CallStatus.IN_DOUBT).first()
        if call:
            try:
                resolve_in_doubt(self.boss, call.pk, outcome)
            except Conflict:
                assert call.run.is_final

    # ── what always holds ──────────────────────────────────────────────────────────────────────

    @invariant()
    def statuses_follow_the_tables(self) -> None:
        for run in Run.objects.filter(pk__in=self.run_status):
            before, after = self.run_status[run.pk], RunStatus(run.status)
            assert after == before or reach(RUN_TRANSITIONS, before, after), (before, after)
            self.run_status[run.pk] = after
        for call in ToolCall.objects.filter(run__in=self.run_status):
            now = CallStatus(call.status)
            then = self.call_status.get(call.pk, CallStatus.PROPOSED)
            assert now == then or reach(CALL_TRANSITIONS, then, now), (then, now)
            self.call_status[call.pk] = now

    @invariant()
    def events_are_gapless(self) -> None:
        for run in Run.objects.filter(pk__in=self.run_status):
            seqs = list(Event.objects.filter(run=run).order_by("seq").values_list("seq", flat=True))
            assert seqs == list(range(1, run.seq + 1))

    @invariant()
    def money_adds_up(self) -> None:
        runs = list(Run.objects.filter(pk__in=self.run_status))
        for run in runs:
            billed = ModelCall.objects.filter(run=run).aggregate(sum=Sum("cost_usd"))["sum"] or 0
            steps = Step.objects.filter(run=run).aggregate(sum=Sum("cost_usd"))["sum"] or 0
            assert run.cost_usd == billed == steps
            if run.status in ("waiting", "paused", "succeeded", "failed", "queued"):
                assert (run.held_usd, run.slice_drawn, run.slice_spent) == (0, 0, 0), run.status
        for account in Account.objects.filter(budget__in=self.budgets).select_related("budget"):
            drawn = [run for run in runs if account.pk in run.slice_accounts]
            assert account.held == sum(run.slice_drawn for run in drawn)
            booked = sum(run.cost_usd for run in runs) - sum(run.slice_spent for run in drawn)
            assert account.spent == booked
            assert account.spent + account.held <= account.budget.limit_usd

    @invariant()
    def ended_runs_wait_for_nobody(self) -> None:
        ended = Run.objects.filter(pk__in=self.run_status, status__in=Run.FINAL)
        open_calls = [CallStatus.HELD, CallStatus.APPROVED, CallStatus.PROPOSED]
        assert not ToolCall.objects.filter(run__in=ended, status__in=open_calls).exists()
        assert not Step.objects.filter(run__in=ended, run__held_usd=0, status=Step.Status.CALLING).exists()
        held = ToolCall.objects.filter(run__in=self.run_status, status=CallStatus.HELD)
        pending = ApprovalRequest.objects.pending().filter(team=self.team)
        assert {str(pk) for pk in held.values_list("pk", flat=True)} == set(
            pending.values_list("subject_id", flat=True)
        )

    @invariant()
    def nothing_that_was_said_is_lost(self) -> None:
        for run in Run.objects.filter(pk__in=self.run_status):
            assert run.unread == run.messages.filter(step=None).count()
            assert not (run.status == "succeeded" and run.unread)

    @invariant()
    def countdowns_stand_still_only_while_paused(self) -> None:
        for request in ApprovalRequest.objects.pending().filter(team=self.team, frozen_for__isnull=False):
            run = ToolCall.objects.get(pk=int(request.subject_id)).run
            assert run.status == "paused" or run.pause_requested

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """A run that waits without a time to wake waits for something a person can still do."""
        for run in Run.objects.filter(pk__in=self.run_status, status="waiting", wake_at=None):
            if run.waiting_on == WaitingOn.APPROVAL:
                assert ToolCall.objects.filter(run=run, status=CallStatus.HELD).exists()
            elif run.waiting_on == WaitingOn.IN_DOUBT:
                assert ToolCall.objects.filter(run=run, status=CallStatus.IN_DOUBT).exists()

    # ── parts ──────────────────────────────────────────────────────────────────────────────────

    def _some_hand(self, data: st.DataObject, fits: Any = None) -> tuple[int, make.Hand]:
        fitting = [n for n, hand in self.hands.items() if fits is None or fits(hand)]
        n = data.draw(st.sampled_from(sorted(fitting or self.hands)))
        return n, self.hands[n]

    def _leave(self, n: int, hand: make.Hand, why: Any) -> None:
        try:
            hand.leave(why)
        except LeaseLost:
            self._ghost(n)
        else:
            del self.hands[n]

    def _ghost(self, n: int) -> None:
        self.ghosts.append(self.hands.pop(n))


def _may_start(call: Any) -> bool:
    return call.stale or (call.status is CallStatus.APPROVED and call.due_in == 0)


def reach(table: Any, before: Any, after: Any) -> bool:
    """Whether the table leads from one to the other; one commit may pass through several statuses."""
    seen, edge = set(), {before}
    while edge:
        edge = set().union(*(table[status] for status in edge)) - seen
        seen |= edge
    return after in seen


@pytest.fixture
def executor_of_machine(executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    TwoRuns.executor = executor
    monkeypatch.setattr(django_settings, "AGENTOPS_GRACE_SECONDS", 0)
    for tool in make.TOOLS.tools.values():
        monkeypatch.setitem(registry._tools, tool.name, tool)
    yield


@pytest.mark.usefixtures("executor_of_machine")
def test_any_order_of_events() -> None:
    run_state_machine_as_test(
        TwoRuns,
        settings=settings(
            max_examples=20,
            stateful_step_count=35,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
