"""Whatever people, timers, pauses and cancellations do: a request follows its table, its record is whole."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier
from approvals.actions import close_requests, decide, fire_due_timers, freeze, unfreeze
from approvals.errors import AlreadyDecided
from approvals.models import ApprovalRequest

from . import factories as make
from .factories import KIND, Subject

KINDS = [(Tier.MEDIUM, "approve"), (Tier.HIGH, ""), (Tier.HIGH, "expire"), (Tier.CRITICAL, "")]
DECISIONS = {"approve": "approved", "reject": "rejected", "done": "done"}

steps = st.one_of(
    st.tuples(st.just("decide"), st.sampled_from([*DECISIONS, "hold"]), st.integers(-1, 1)),
    st.sampled_from([(name,) for name in ("time passes", "sweep", "freeze", "unfreeze", "close")]),
)


@dataclass
class Model:
    """What should be, kept without a database."""

    tier: Tier
    on_deadline: str
    status: str = "pending"
    revision: int = 1
    countdown: str = ""
    """running, ended, frozen, or "": none."""

    def move(self, status: str) -> None:
        self.status, self.revision, self.countdown = status, self.revision + 1, ""

    def decide(self, decision: str, offset: int) -> type[Exception] | None:
        if self.status != "pending":
            return AlreadyDecided
        if self.on_deadline == "expire" and self.countdown == "ended":
            self.move("expired")
            return AlreadyDecided
        if offset:
            return AlreadyDecided if offset < 0 and self.revision > 1 else InvalidInput
        critical = self.tier is Tier.CRITICAL
        if (decision == "approve" and critical) or (decision == "done" and not critical):
            return InvalidInput
        if decision == "hold":
            if not self.countdown:
                return InvalidInput
            self.on_deadline = ""
        self.move(DECISIONS.get(decision, "pending"))
        return None

    def sweep(self) -> None:
        if self.countdown == "ended":
            self.move({"approve": "approved", "expire": "expired"}[self.on_deadline])


@pytest.mark.django_db
@settings(
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kind=st.sampled_from(KINDS), sequence=st.lists(steps, max_size=12))
def test_a_request_follows_its_table(subject: Subject, kind: tuple[Tier, str], sequence: list[tuple[str, ...]]) -> None:
    tier, on_deadline = kind
    team = Team.objects.first() or make.team()
    approver = make.person(Role.APPROVER, of=team)
    fire_due_timers()
    asked = make.request(team, tier, on_deadline=on_deadline, seconds=600 if on_deadline else 0)
    model = Model(tier, on_deadline, countdown="running" if on_deadline else "")
    for step in sequence:
        play(step, asked, model, approver)
        check(ApprovalRequest.objects.get(pk=asked.pk), model, subject)


def play(step: tuple, asked: ApprovalRequest, model: Model, approver: Actor) -> None:
    ids = [asked.subject_id]
    match step:
        case ("decide", decision, offset):
            revision = model.revision + offset
            expected = model.decide(decision, offset)
            outcome = "Did it." if decision == "done" else ""
            try:
                decide(approver, asked.pk, decision=decision, revision=revision, outcome=outcome, via="page")
                raised = None
            except (AlreadyDecided, InvalidInput) as error:
                raised = type(error)
            assert raised is expected
        case ("time passes",) if model.countdown == "running":
            make.overdue(asked)
            model.countdown = "ended"
        case ("sweep",):
            fire_due_timers()
            model.sweep()
        case ("freeze",):
            freeze(KIND, ids)
            model.countdown = "frozen" if model.countdown else ""
        case ("unfreeze",):
            unfreeze(KIND, ids)
            model.countdown = "running" if model.countdown == "frozen" else model.countdown
        case ("close",):
            close_requests(KIND, ids, "The run was cancelled.")
            if model.status == "pending":
                model.move("cancelled")


def check(now: ApprovalRequest, model: Model, subject: Subject) -> None:
    assert (now.status, now.revision) == (model.status, model.revision)
    assert (now.decide_at is not None) == (model.countdown in ("running", "ended"))
    assert (now.frozen_for is not None) == (model.countdown == "frozen")
    history = list(now.history.values_list("revision", "decision"))
    assert [revision for revision, _ in history] == list(range(2, now.revision + 1))
    assert all(decision == "hold" for _, decision in history[:-1])
    told = [decision for subject_id, decision, _ in subject.told if subject_id == now.subject_id]
    assert told == [decision for _, decision in history if decision != "cancel"]
