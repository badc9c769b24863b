"""Years of work made up in minutes: teams, people, agents, runs with their steps and calls, and what was decided."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from agentops.accounts.models import Membership, Role, Team
from approvals.models import ApprovalRequest, Decision
from runs.models import Agent, AgentVersion, Budget, ModelCall, Run, RunWords, Step, ToolCall

from . import history_sql as sql
from .copying import bare, copy, fill
from .vocabulary import Vocabulary

DAYS = 90
RARE = "zebrafish"
"""A word of three runs and three decided requests, old ones."""
ENDS = [("succeeded", "answered")] * 84 + [("failed", "max_steps")] * 11 + [("cancelled", "cancelled")] * 5
LIVE = [("waiting", "approval")] * 200 + [("running", "")] * 50 + [("queued", "")] * 30 + [("paused", "")] * 20
WAYS = ["page"] * 60 + ["api"] * 39 + ["command"]
MODELS = ["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"]
LONG = 500
"""Steps of the longest run."""


@dataclass(frozen=True)
class History:
    """What was made, for those who measure on it."""

    person: User
    """Sees every team, without being a superuser."""
    long_run: uuid.UUID
    vocabulary: Vocabulary


class Maker:
    def __init__(self, runs: int, decided: int, pending: int) -> None:
        self.runs, self.decided, self.pending = runs, decided, pending
        self._random = random.Random(7)
        self._words = Vocabulary()
        self._now = timezone.now()
        self._long_run = uuid.uuid4()
        self.teams = [Team.objects.create(name=f"Team {n}", slug=f"team-{n}") for n in range(1, 6)]
        self.people = [User.objects.create(username=f"person{n}") for n in range(1, 31)]
        for number, person in enumerate(self.people):
            Membership.objects.create(team=self.teams[number % 5], user=person, role=Role.ADMIN)
        for team in self.teams[1:]:
            Membership.objects.create(team=team, user=self.people[0], role=Role.APPROVER)
        self.agents = [self._agent(n) for n in range(1, 21)]
        for team in [None, *self.teams]:
            Budget.objects.create(team=team, period="month", limit_usd=100_000)

    def make(self, *, large: bool) -> History:
        """`large`: indexes and foreign keys are made at the end, which no transaction around may hinder."""
        with bare(Run, RunWords, Step, ModelCall, ToolCall) if large else nullcontext():
            copy(Run, self._run_rows())
            fill(RunWords, sql.WORDS, sql.WITHOUT_WORDS)
            fill(Step, sql.STEP, sql.STEPS)
            fill(ModelCall, sql.MODEL_CALL, sql.MODEL_CALLS)
            fill(ToolCall, sql.TOOL_CALL, sql.TOOL_CALLS)
        held = list(ToolCall.objects.filter(status="held").select_related("run__agent")[: self.pending])
        copy(ApprovalRequest, self._requests(held))
        requests = ApprovalRequest.objects.filter(decided_at__isnull=False).values_list("pk", "status", "decided_at")
        copy(Decision, (self._decision(*row) for row in list(requests)))
        if large:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        return History(self.people[0], self._long_run, self._words)

    def _agent(self, number: int) -> Agent:
        agent = Agent.objects.create(team=self.teams[number % 5], name=f"agent-{number}", title=f"Agent {number}")
        agent.live = AgentVersion.objects.create(
            agent=agent, number=1, system_prompt="Work.", tools=[], model_chain=MODELS
        )
        agent.save()
        return agent

    def _run_rows(self) -> Iterator[dict[str, Any]]:
        """In the order of time, the live ones last."""
        ended = self.runs - len(LIVE)
        step = timedelta(days=DAYS) / max(1, ended)
        for number in range(ended):
            row = self._run(self._now - step * (ended - number))
            words = f" {RARE}" if number in (ended // 9, ended // 7, ended // 5) else ""
            status, reason = self._random.choice(ENDS)
            row |= {
                "status": status,
                "stop_reason": reason,
                "answer": self._words.sentence(25) + words,
                "ended_at": row["created_at"] + timedelta(seconds=90),
            }
            yield row
        for number, (status, waits) in enumerate(LIVE):
            row = self._run(self._now - timedelta(seconds=len(LIVE) - number))
            waiting = {"waiting_on": waits, "waiting_since": self._now} if waits else {}
            long = {} if number else {"id": self._long_run, "steps": LONG, "tool_calls": LONG}
            yield row | waiting | long | {"status": status}

    def _run(self, at: datetime) -> dict[str, Any]:
        agent = self._random.choice(self.agents)
        person = self._random.choice(self.people)
        steps = self._random.randint(4, 16)
        return {
            "id": uuid.UUID(int=self._random.getrandbits(128)),
            "team_id": agent.team_id,
            "agent_id": agent.pk,
            "agent_name": agent.name,
            "version_id": agent.live_id,
            "goal": self._words.sentence(12),
            "tainted_by": "https://example.com/" if self._random.random() < 0.03 else "",
            "seq": 4 * steps,
            "max_steps": 1000,
            "max_tool_calls": 1000,
            "max_tokens": 1_000_000,
            "max_cost_usd": 5,
            "max_seconds": 1800,
            "steps": steps,
            "tool_calls": steps,
            "input_tokens": 1000 * steps,
            "output_tokens": 90 * steps,
            "cost_usd": Decimal(self._random.lognormvariate(-3, 1)).quantize(Decimal("0.00000001")),
            "active_ms": 6000 * steps,
            "started_by_id": person.pk,
            "started_by_name": person.username,
            "started_via": self._random.choice(WAYS),
            "created_at": at,
            "started_at": at,
        }

    def _requests(self, held: list[ToolCall]) -> Iterator[dict[str, Any]]:
        step = timedelta(days=DAYS) / max(1, self.decided)
        for number in range(self.decided):
            at = self._now - step * (self.decided - number)
            status = self._random.choice(["approved"] * 8 + ["rejected", "expired"])
            words = f" {RARE}" if number in (self.decided // 9, self.decided // 7, self.decided // 5) else ""
            by = "" if status == "expired" else self._random.choice(self.people).username
            yield self._request(str(uuid.uuid4()), self._random.choice(self.agents), at) | {
                "effect": self._words.sentence(10) + words,
                "status": status,
                "revision": 2,
                "decided_at": at + timedelta(minutes=1),
                "decided_by_name": by,
                "decided_via": "timer" if status == "expired" else "page",
            }
        for call in held:
            context = {"run_id": str(call.run_id), "goal": call.run.goal, "step": call.run.steps}
            yield self._request(str(call.pk), call.run.agent, self._now) | {"context": context}

    def _request(self, subject: str, agent: Agent, at: datetime) -> dict[str, Any]:
        return {
            "team_id": agent.team_id,
            "tier": "high",
            "tool": self._random.choice(sql.TOOLS),
            "arguments": {"order": f"A-{self._random.randint(1, 9999)}", "amount": self._random.randint(1, 500)},
            "effect": self._words.sentence(10),
            "bound_hash": "0" * 64,
            "reason": "high by its own setting",
            "subject_kind": "tool_call",
            "subject_id": subject,
            "agent": agent.name,
            "created_at": at,
        }

    def _decision(self, request: uuid.UUID, status: str, at: datetime) -> dict[str, Any]:
        done = {"approved": "approve", "rejected": "reject", "expired": "expire"}[status]
        return {"request_id": request, "revision": 2, "decision": done, "by_name": "", "via": "page", "at": at}
