"""People, policies and requests for the tests of approvals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.functions import Now

from agentops.accounts.access import Actor
from agentops.accounts.models import Membership, Role, Team
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier
from approvals import subjects
from approvals.actions import open_request
from approvals.models import ApprovalRequest, Decision, Inquiry, Policy, Rule
from approvals.policy import Verdict

KIND = "ledger_entry"
_numbers = itertools.count(1)


class Subject:
    """A subject that remembers what it was told, and refuses when asked to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.refusal: Exception | None = None
        self.asked: list[str] = []
        self.regretted: set[str] = set()

    def lock(self, subject_id: str) -> None:
        pass

    def amend(self, request: ApprovalRequest, arguments: dict[str, Any]) -> subjects.Amendment:
        if set(arguments) != {"to"}:
            raise InvalidInput("Give exactly: to.", "arguments")
        return subjects.Amendment(arguments, f"Send a mail to {arguments['to']}", "1" * 64)

    def taken_back(self, subject_ids: list[str]) -> set[str]:
        return self.regretted & set(subject_ids)

    def on_asked(self, inquiry: Inquiry) -> None:
        self.asked.append(inquiry.question)

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        if self.refusal:
            raise self.refusal
        self.told.append((request.subject_id, decision.decision, request.status))


@contextmanager
def subject() -> Iterator[Subject]:
    known = Subject()
    subjects.register(KIND, known)
    yield known


def team(name: str = "") -> Team:
    number = next(_numbers)
    return Team.objects.create(name=name or f"Team {number}", slug=f"team-{number}")


def person(*roles: Role, of: Team, name: str = "") -> Actor:
    user = get_user_model().objects.create(username=name or f"person{next(_numbers)}")
    for role in roles:
        Membership.objects.create(team=of, user=user, role=role)
    return Actor(user)


def verdict(tier: Tier = Tier.HIGH, *, seconds: int | None = None, on_deadline: str | None = None) -> Verdict:
    medium = tier is Tier.MEDIUM
    return Verdict(
        tier=tier,
        rule="",
        reason=f"send is {tier} by its own setting",
        rule_error="",
        policy_version_id=None,
        timer_seconds=seconds if seconds is not None else 300 if medium else None,
        on_deadline=on_deadline if on_deadline is not None else "approve" if medium else "",
    )


def request(team: Team, tier: Tier = Tier.HIGH, *, subject_id: str = "", **timer: Any) -> ApprovalRequest:
    return open_request(
        team_id=team.pk,
        verdict=verdict(tier, **timer),
        tool="send",
        arguments={"to": "ada@example.com"},
        effect="Send a mail to ada@example.com",
        bound_hash="0" * 64,
        subject_kind=KIND,
        subject_id=subject_id or str(next(_numbers)),
        context={},
        agent="support",
        tainted_by="",
    )


def overdue(request: ApprovalRequest, by: timedelta = timedelta(seconds=1)) -> ApprovalRequest:
    """As if its countdown had ended `by` ago."""
    ApprovalRequest.objects.filter(pk=request.pk).update(decide_at=Now() - by)
    request.refresh_from_db()
    return request


def policy(team: Team, *rules: dict[str, Any]) -> Policy:
    made = Policy.objects.create(team=team)
    for position, fields in enumerate(rules):
        Rule.objects.create(policy=made, position=position, **{"name": f"Rule {position}", "tier": "high", **fields})
    return made
