"""Teams, agents, runs and a worker's hand on a run, for tests of the journal and the actions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now

from agentops.accounts.access import Actor
from agentops.accounts.models import Membership, Role, Team
from agentops.core.messages import user
from agentops.core.models import Attempt, ModelAnswer
from agentops.core.states import StopReason
from agentops.core.tools import Tier, ToolResult
from agentops.core.usage import Usage
from agentops.engine import calls as tool_calls
from agentops.engine.interrupts import End, Interrupt
from agentops.engine.state import Opening, OpenStep, RunState
from approvals.models import ApprovalRequest
from runs import lease, loading
from runs.actions import start_run
from runs.committing import Means
from runs.models import Account, Agent, AgentVersion, Budget, Run, ToolCall
from runs.recorder import Recorder
from tests.engine.doubles import Box, CountingTool, calls, says

_numbers = count(1)
CENT = Decimal("0.01")
NOW = datetime(2026, 11, 21, tzinfo=UTC)

TOOLS = Box(
    CountingTool("look", Tier.LOW, reads_only=True, idempotent=True),
    CountingTool("note", Tier.LOW),
    CountingTool("mail", Tier.MEDIUM),
    CountingTool("refund", Tier.HIGH),
    CountingTool("erase", Tier.CRITICAL),
    CountingTool("ask_human", Tier.LOW, reads_only=True, asks_person=True),
)


def team() -> Team:
    number = next(_numbers)
    return Team.objects.create(name=f"Runs {number}", slug=f"runs-{number}")


def person(of: Team | None = None, *roles: Role, superuser: bool = False) -> Actor:
    who = User.objects.create(username=f"runner-{next(_numbers)}", is_superuser=superuser)
    for role in roles:
        Membership.objects.create(team=of, user=who, role=role)
    return Actor(who)


def admin(of: Team) -> Actor:
    return person(of, Role.ADMIN)


def agent(of: Team, **version: Any) -> Agent:
    row = Agent.objects.create(team=of, name=f"agent-{next(_numbers)}", title="Helper")
    known = {"system_prompt": "Help.", "model_chain": ["claude-sonnet-4-5"], "tools": []}
    row.live = AgentVersion.objects.create(agent=row, number=1, **{**known, **version})
    row.save()
    return row


def run(of: Team | None = None, **options: Any) -> Run:
    of = of or team()
    started, _ = start_run(admin(of), agent=agent(of).name, goal="Do it.", via="api", **options)
    return started


def budget(limit: str | Decimal, of: Team | None = None, period: str = "day") -> Budget:
    return Budget.objects.create(team=of, period=period, limit_usd=Decimal(limit))


def account(of: Budget) -> Account:
    return of.accounts.get()


def bill(cost: Decimal | str = CENT, number: int = 1, **fields: Any) -> Attempt:
    known = {"first_token_ms": 1, "usage": Usage(10, 5), "estimated": False, "price_source": "test"}
    return Attempt(number, "double", "model", NOW, 1, cost_usd=Decimal(cost), **{**known, **fields})


def answer(*uses: str, words: str = "", cost: Decimal | str = CENT) -> ModelAnswer:
    """An answer that calls these tools, or says the words."""
    made = calls(*((name, {"value": name}) for name in uses), words=words) if uses else says(words or "Done.")
    return ModelAnswer(made.content, made.tool_uses, made.stop_reason, [bill(cost)])


@dataclass
class Ears:
    """Stands where the live feed does."""

    heard: list[dict[str, Any]] = field(default_factory=list)

    def event(self, run_id: str, team_id: int, events: list[dict[str, Any]]) -> None:
        self.heard += events


def abandoned(state: RunState) -> Attempt:
    return bill("0.005", number=0, estimated=True, error_kind="abandoned")


class Hand:
    """A worker's hold on a run: the recorder, one commit at a time."""

    def __init__(self, held: lease.Lease, executor: Executor) -> None:
        self.lease = held
        self.ears = Ears()
        means = Means(executor, self.ears, None, abandoned)  # type: ignore[arg-type]
        self.state, row = loading.load(held.run_id, held.fence)
        self.recorder = Recorder(held, row, means)
        self.recorder.toolbox = TOOLS
        self.step: OpenStep | None = None
        self.left = False
        """Whether the last answer was the run's."""

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def open(self, hold: Decimal | str = CENT, done: list[Any] | None = None) -> OpenStep:
        heard = self.do(self.recorder.unread(self.state))
        message = user("Goal") if not self.state.messages else user("Go on")
        if self.state.calls:
            message = user(*tool_calls.results(self.state.calls, lambda result: result.summary or result.error))
        self.step = self.do(self.recorder.open_step(self.state, done or [], Opening(message), Decimal(hold), heard))
        self.state.messages.append(message)
        return self.step

    def reopen(self, hold: Decimal | str = CENT) -> OpenStep:
        self.step = self.do(self.recorder.reopen_step(self.state, Decimal(hold)))
        return self.step

    def answer(self, given: ModelAnswer, end: Interrupt | None = None) -> list[Any]:
        proposed = tool_calls.propose(given.tool_uses, TOOLS, cut_off=False)
        self.left = self.do(self.recorder.answer_step(self.state, self.step, given, proposed, end))
        self.state.messages.append({"role": "assistant", "content": given.content})
        self.step = None
        return proposed

    def finish(self, reason: str = "answered") -> None:
        self.answer(answer(), End(StopReason(reason), "Done."))

    def leave(self, why: Interrupt, done: list[Any] | None = None) -> None:
        self.do(self.recorder.leave(self.state, done or [], why))

    def settle(self, *done: Any, status: str = "succeeded") -> None:
        self.do(self.recorder.settle_calls(self.state, settled(*done, status=status)))

    def late(self, attempts: list[Attempt], *done: Any) -> None:
        step = self.step or self.state.interrupted
        self.do(self.recorder.settle_late(self.state, step if attempts else None, attempts, list(done)))


def settled(*done: Any, status: str = "succeeded") -> list[Any]:
    for call in done:
        call.status = ToolCall.Status(status)
        call.result = ToolResult("ok" if status == "succeeded" else "error", summary="It ran.")
    return list(done)


def request_of(call: Any) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject_kind="tool_call", subject_id=str(getattr(call, "id", call)))


def lose_lease(of: Run) -> None:
    """As if its worker had been silent for longer than its lease."""
    Run.objects.filter(pk=of.pk, status="running").update(wake_at=Now())


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action returned or raised, started together on connections of their own."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def work(number: int, action: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[number] = action()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
