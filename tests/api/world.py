"""One team with one of everything, for tests that walk all endpoints."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.utils import timezone

from agentops.accounts.models import Membership
from approvals.models import ApprovalRequest, Inquiry, Policy, ToolTier
from runs.models import Agent, AgentVersion, Budget, Run, RunMessage, Trigger

from . import factories

VERSION = {"system_prompt": "Help.", "model_chain": ["claude-sonnet-4-5"]}


class World:
    def __init__(self) -> None:
        self.team = factories.team()
        self.agent = factories.agent(self.team)
        self.tried = factories.agent(self.team)
        self.tried.candidate = AgentVersion.objects.create(agent=self.tried, number=2, **VERSION)
        self.tried.candidate_percent = 10
        self.tried.save()
        self.run = factories.run(self.agent)
        self.failed = factories.run(self.agent, status="failed", stop_reason="error", ended_at=timezone.now())
        self.request = factories.held(self.run)
        self.done = factories.run(self.agent, status="succeeded", stop_reason="answered", ended_at=timezone.now())
        step = factories.step(self.done)
        refund = {"refund": 7, "order": "A-1042", "amount": "5.00"}
        self.deed = factories.call(
            step,
            tool="refund_order",
            arguments={"order_id": "A-1042", "amount": "5.00", "reason": "Late"},
            result={"status": "ok", "data": refund},
        )
        mail = {"to": "ada@example.com", "subject": "Hello", "body": "Hello."}
        self.doubt = factories.call(step, 1, tool="send_email", arguments=mail, status="in_doubt")
        self.taken = factories.run(self.agent, status="paused", taken_over_by="somebody")
        self.planned = factories.run(self.agent)
        self.planned.plans.create(number=1, status="approved")
        self.member = factories.person(self.team, "viewer")
        self.budget = Budget.objects.create(team=self.team, period="day", limit_usd=5)
        self.trigger = Trigger.objects.create(
            team=self.team, kind="webhook", name="Hook", agent=self.agent, goal="Do it.", owner=self.member
        )
        policy = Policy.objects.create(team=self.team)
        policy.live = policy.versions.create(number=1, rules=[])
        policy.save()

    @property
    def names(self) -> dict[str, Any]:
        by_key = {
            name: getattr(self, name).pk
            for name in ("run", "failed", "done", "taken", "planned", "deed", "doubt", "request", "budget", "trigger")
        }
        by_name = {name: getattr(self, name).name for name in ("agent", "tried")}
        return by_key | by_name | {"team": self.team.slug, "member": self.member.username}

    def ask(self, client: Client, method: str, address: str, body: Any, **more: Any) -> Any:
        sent = json.dumps(body or {})
        for name, value in self.names.items():
            address, sent = (text.replace(f"{{{name}}}", str(value)) for text in (address, sent))
        return client.generic(method.upper(), address, sent, "application/json", **more)

    def state(self) -> Any:
        rows = Run.objects.values_list("pk", "status", "seq", "pause_requested", "max_steps").order_by("pk")
        agents = Agent.objects.values_list("pk", "active", "live", "candidate", "candidate_percent").order_by("pk")
        policies = Policy.objects.values_list("pk", "live", "revision").order_by("pk")
        requests = ApprovalRequest.objects.values_list("pk", "status", "revision", "claimed_by")
        others = [RunMessage, AgentVersion, ToolTier, Inquiry]
        budgets = Budget.objects.values_list("pk", "limit_usd")
        triggers = Trigger.objects.values_list("pk", "goal", "active", "secret_number")
        people = Membership.objects.filter(user=self.member).values_list("role")
        return [list(found) for found in (rows, agents, policies, requests, budgets, triggers, people)], [
            m.objects.count() for m in others
        ]

    @property
    def parts(self) -> dict[str, Any]:
        """What the description's path parameters may be."""
        return {
            "run_id": str(self.run.pk),
            "call_id": self.run.call_set.get().pk,
            "request_id": str(self.request.pk),
            "name": self.agent.name,
            "number": 1,
            "team": self.team.slug,
            "username": self.member.username,
            "token_id": 0,
            "budget_id": self.budget.pk,
            "trigger_id": str(self.trigger.pk),
            "model": "claude-sonnet-4-5",
        }
