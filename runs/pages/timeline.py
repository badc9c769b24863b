"""The steps of a run with all that belongs to them, in four queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agentops.accounts.access import Actor, Right
from agentops.core import messages
from agentops.core.states import CallStatus
from agentops.templatetags.console import pretty
from approvals.models import ApprovalRequest
from approvals.pages.presenting import Shown, who
from runs.models import ModelCall, Run, Step, ToolCall

LATEST = 60
"""Steps that the page brings along; earlier ones come when asked for."""
CHUNK = 100
SHORT = 360
"""Characters of a result that show without unfolding."""
SHOWN = 12_000
"""Characters of a result that the page carries; the raw record has all."""


@dataclass
class CallCard:
    call: ToolCall
    approval: Shown | None

    @property
    def title(self) -> str:
        return self.call.effect or self.call.tool

    @property
    def quiet(self) -> bool:
        """A low call that went as it should: its arguments stay folded."""
        return self.call.tier in ("", "low") and self.call.status == CallStatus.SUCCEEDED

    @property
    def shown_arguments(self) -> Any:
        return self.call.arguments or self.call.raw_arguments

    @cached_property
    def result(self) -> str:
        """What came back, for people: the error, the data, or the summary."""
        envelope = self.call.result or {}
        if envelope.get("error"):
            return "\n".join(filter(None, [envelope["error"], envelope.get("hint")]))
        data = envelope.get("data")
        if data in (None, "", [], {}):
            return envelope.get("summary", "")
        return data if isinstance(data, str) else pretty(data)

    @property
    def summary(self) -> str:
        return (self.call.result or {}).get("summary", "")

    @property
    def shown_result(self) -> str:
        return self.result[:SHOWN]

    @property
    def result_is_short(self) -> bool:
        return len(self.result) <= SHORT and self.result.count("\n") < 8

    @property
    def result_is_cut(self) -> bool:
        return len(self.result) > SHOWN

    @property
    def decided_by(self) -> str:
        request = self.approval.request if self.approval else None
        return who(request.decided_by_name, request.decided_via) if request and request.decided_at else ""

    @property
    def settled_by(self) -> str:
        """Who said what became of a call in doubt; the name of who approved it is kept in the same column."""
        name = self.call.resolved_by_name
        return "" if self.approval and name == self.approval.request.decided_by_name else name


@dataclass
class StepCard:
    step: Step
    calls: list[CallCard] = field(default_factory=list)
    failed_attempts: list[ModelCall] = field(default_factory=list)
    last_attempt: ModelCall | None = None

    @property
    def text(self) -> str:
        return messages.text_of(self.step.output)

    @property
    def thinking(self) -> str:
        return "\n\n".join(b.get("thinking", "") for b in self.step.output if b.get("type") == "thinking")

    @property
    def told(self) -> str:
        """Words that the step's input brought besides tool results: the goal, a person's message, a correction."""
        return messages.text_of(self.step.input.get("content", [])) if self.step.number > 1 else ""

    @property
    def took_ms(self) -> int | None:
        if not self.step.answered_at:
            return None
        return int((self.step.answered_at - self.step.opened_at).total_seconds() * 1000)

    @property
    def tokens(self) -> int:
        return self.step.input_tokens + self.step.output_tokens


def latest(run: Run, actor: Actor) -> list[StepCard]:
    steps = list(run.step_set.order_by("-number")[:LATEST])
    return _cards(run, actor, reversed(steps))


def between(run: Run, actor: Actor, first: int, before: int) -> list[StepCard]:
    return _cards(run, actor, run.step_set.filter(number__gte=first, number__lt=before).order_by("number"))


def numbered(run: Run, actor: Actor, numbers: Collection[int], after: int) -> list[StepCard]:
    """The steps of these numbers, and all after `after`."""
    steps = run.step_set.filter(number__in=numbers) | run.step_set.filter(number__gt=after)
    return _cards(run, actor, steps.order_by("number"))


def _cards(run: Run, actor: Actor, steps: Iterable[Step]) -> list[StepCard]:
    cards = {step.pk: StepCard(step) for step in steps}
    calls = list(ToolCall.objects.filter(step__in=cards).order_by("step_id", "position"))
    approvals = _approvals(run, actor, calls)
    for call in calls:
        cards[call.step_id].calls.append(CallCard(call, approvals.get(str(call.pk))))
    attempts: dict[int, list[ModelCall]] = defaultdict(list)
    for attempt in ModelCall.objects.filter(step__in=cards).order_by("id"):
        attempts[attempt.step_id].append(attempt)
    for step_id, made in attempts.items():
        cards[step_id].failed_attempts = [attempt for attempt in made if attempt.error_kind]
        cards[step_id].last_attempt = made[-1]
    return list(cards.values())


def _approvals(run: Run, actor: Actor, calls: list[ToolCall]) -> dict[str, Shown]:
    """The latest request of each call, without its history: the approvals page has that."""
    requests = ApprovalRequest.objects.filter(
        subject_kind="tool_call", subject_id__in=[str(call.pk) for call in calls], team_id=run.team_id
    )
    may = actor.can(Right.DECIDE, run.team_id)
    return {request.subject_id: Shown(request, may, []) for request in requests.order_by("created_at")}
