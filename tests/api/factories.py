"""Rows for tests of the outside: people, tokens, agents, runs."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agentops.accounts.access import SCOPES
from agentops.accounts.models import Membership, Role, Team
from agentops.accounts.tokens import create_token
from approvals.models import ApprovalRequest
from runs.models import Agent, AgentVersion, Event, ModelCall, Run, Step, ToolCall

_numbers = count(1)


def team(name: str = "") -> Team:
    name = name or f"team-{next(_numbers)}"
    return Team.objects.create(name=name, slug=name)


def person(of: Team | None = None, role: Role | str = Role.ADMIN, **fields: Any) -> User:
    user = User.objects.create(username=f"person-{next(_numbers)}", **fields)
    if of:
        Membership.objects.create(team=of, user=user, role=role)
    return user


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def caller(user: User, *scopes: str, **headers: str) -> Client:
    """A program with a token of this person; with every scope when none is named."""
    _, secret = create_token(user, "test", scopes or SCOPES)
    return Client(headers={"Authorization": f"Bearer {secret}"} | headers)


def agent(of: Team, name: str = "", **version: Any) -> Agent:
    row = Agent.objects.create(team=of, name=name or f"agent-{next(_numbers)}", title="Helper")
    fields = {"system_prompt": "Help.", "model_chain": ["claude-sonnet-4-5"], "tools": []} | version
    row.live = AgentVersion.objects.create(agent=row, number=1, **fields)
    row.save()
    return row


def run(of: Agent, **fields: Any) -> Run:
    limits = {name: getattr(of.live, name) for name in LIMITS}
    known = {"team": of.team, "agent": of, "agent_name": of.name, "version": of.live, "goal": "Do it."}
    return Run.objects.create(**{**known, **limits, **fields})


LIMITS = ["max_steps", "max_tool_calls", "max_tokens", "max_cost_usd", "max_seconds"]


def step(of: Run, number: int = 1) -> Step:
    message = {"role": "user", "content": [{"type": "text", "text": of.goal}]}
    row = Step.objects.create(run=of, number=number, fence=1, input=message, opened_at=timezone.now())
    ModelCall.objects.create(
        step=row,
        run=of,
        number=1,
        provider="anthropic",
        model="claude-sonnet-4-5",
        started_at=timezone.now(),
        duration_ms=1,
        input_tokens=1,
        output_tokens=1,
        cost_usd=0,
        price_source="test",
    )
    return row


def call(of: Step, position: int = 0, **fields: Any) -> ToolCall:
    known = {"tool": "refund", "raw_arguments": {}, "arguments": {}, "status": ToolCall.Status.SUCCEEDED}
    return ToolCall.objects.create(
        run=of.run,
        step=of,
        position=position,
        tool_use_id=f"toolu_{next(_numbers)}",
        proposed_at=timezone.now(),
        **{**known, **fields},
    )


def event(of: Run, seq: int) -> Event:
    return Event.objects.create(run=of, seq=seq, kind="run.changed", data={}, at=timezone.now())


def request(of: Team, **fields: Any) -> ApprovalRequest:
    known = {
        "tier": "high",
        "tool": "refund",
        "arguments": {"amount": 5},
        "effect": "Refund 5 USD",
        "bound_hash": "0" * 64,
    }
    subject = {"subject_kind": "test", "subject_id": str(next(_numbers))}
    return ApprovalRequest.objects.create(**{"team": of, **known, **subject, **fields})


def held(run: Run, **fields: Any) -> ApprovalRequest:
    """A call that waits for a decision, and its request; medium with an hour left."""
    row = call(step(run), status=ToolCall.Status.HELD, bound_hash="0" * 64)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.WAITING, waiting_on=Run.WaitingOn.APPROVAL)
    known = {"tier": "medium", "decide_at": timezone.now() + timedelta(hours=1), "on_deadline": "approve"}
    return request(run.team, subject_kind="tool_call", subject_id=str(row.pk), **{**known, **fields})
