"""One step and one tool call as the timeline shows them: what their rows do not say in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _

from agentops.core import messages
from agentops.core.states import CallStatus
from agentops.engine.aside import QUESTION
from agentops.engine.prompts import filled
from agentops.templatetags.console import pretty
from agentops.tools.registry import registry
from approvals.models import ApprovalRequest, Decision
from approvals.pages.presenting import Shown, who
from runs import verifying
from runs.models import ModelCall, Run, RunMessage, Step, ToolCall

from . import undoing, wording
from .people import Mark

SHORT = 360
"""Characters of a result that show without unfolding."""
SHOWN = 12_000
"""Characters of a result that the page carries; the raw record has all."""


def _pattern(template: str) -> re.Pattern[str]:
    named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(template))
    return re.compile(named, re.DOTALL)


_ASKED = _pattern(QUESTION)
_WORKED_THROUGH = filled("synthesis", outcomes="").partition("\n")[0]


_KIND_WORDS = {
    Step.Kind.PLAN: (_("Plan"), "plan"),
    Step.Kind.COMPACTION: (_("Shortened"), "limit"),
    Step.Kind.JUDGE: (_("Judged"), "policy"),
    Step.Kind.ORDER: (_("Ordered"), "hand"),
    Step.Kind.ASIDE: (_("Beside the work"), "question"),
}
"""Of the steps that are no turn of the conversation: a word, and an icon."""


@dataclass
class CallCard:
    call: ToolCall
    approval: Shown | None
    taken: undoing.Mark | None = None
    """What became of taking it back."""
    child: Run | None = None
    """The run that it started."""

    @property
    def can_undo(self) -> bool:
        return (self.taken is None or self.taken.state == "failed") and undoing.can_undo(self.call)

    @property
    def can_verify(self) -> bool:
        tool = registry.get(self.call.tool)
        return tool is not None and tool.can_verify

    @property
    def looking(self) -> bool:
        return verifying.waits_for_look(self.call)

    @property
    def looked_at(self) -> datetime | None:
        at = (self.call.verified or {}).get("at")
        return datetime.fromisoformat(at) if at else None

    @property
    def title(self) -> str:
        return self.call.effect or self.call.tool

    @property
    def quiet(self) -> bool:
        """A low call that went as it should: its arguments stay folded."""
        return self.call.tier in ("", "low") and self.call.status == CallStatus.SUCCEEDED and self.child is None

    @property
    def request(self) -> ApprovalRequest | None:
        return self.approval.request if self.approval else None

    @property
    def asks(self) -> bool:
        """It is a question to a person, not an action."""
        return self.approval is not None and self.approval.question

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
            return str(envelope.get("summary", ""))
        return data if isinstance(data, str) else pretty(data)

    @property
    def summary(self) -> str:
        return str((self.call.result or {}).get("summary", ""))

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
        request = self.request
        return who(request.decided_by_name, request.decided_via) if request and request.decided_at else ""

    @property
    def settled_by(self) -> str:
        """Who said what became of a call in doubt; the name of who approved it is kept in the same column."""
        name = self.call.resolved_by_name
        return "" if self.request and name == self.request.decided_by_name else name

    @property
    def taken_back(self) -> list[Decision]:
        history = self.approval.history if self.approval else []
        return [entry for entry in history if entry.decision == "take_back"]


@dataclass
class StepCard:
    step: Step
    shared: bool = False
    """It is another run's, which this one was forked from."""
    calls: list[CallCard] = field(default_factory=list)
    failed_attempts: list[ModelCall] = field(default_factory=list)
    messages: list[RunMessage] = field(default_factory=list)
    """What people said, that this step was the first to read."""
    before: list[Mark] = field(default_factory=list)
    after: list[Mark] = field(default_factory=list)

    @property
    def text(self) -> str:
        return messages.text_of(self.step.output)

    @property
    def thinking(self) -> str:
        return "\n\n".join(b.get("thinking", "") for b in self.step.output if b.get("type") == "thinking")

    @property
    def is_aside(self) -> bool:
        return self.step.kind == Step.Kind.ASIDE

    @property
    def is_compaction(self) -> bool:
        return self.step.kind == Step.Kind.COMPACTION

    @property
    def is_judge(self) -> bool:
        return self.step.kind == Step.Kind.JUDGE

    @property
    def is_plan(self) -> bool:
        return self.step.kind == Step.Kind.PLAN

    @property
    def kind_word(self) -> str:
        return str(_KIND_WORDS[self.step.kind][0]) if self.step.kind in _KIND_WORDS else ""

    @property
    def kind_icon(self) -> str:
        return _KIND_WORDS[self.step.kind][1] if self.step.kind in _KIND_WORDS else ""

    @property
    def refused(self) -> str:
        """What was wrong with the plan that the step wrote."""
        return str((self.step.details or {}).get("refused", "")) if self.is_plan else ""

    @property
    def can_fork(self) -> bool:
        return self.step.kind == Step.Kind.TURN

    @property
    def is_order(self) -> bool:
        return bool(self.ordered_by)

    @property
    def ordered_by(self) -> str:
        """Who chose the step's call in the model's place."""
        return self.calls[0].call.ordered_by if self.calls else ""

    @property
    def recovery(self) -> wording.Recovery | None:
        """The failure that this step told the agent about."""
        return wording.RECOVERIES.get((self.step.recovery or {}).get("kind", ""))

    @cached_property
    def asked(self) -> dict[str, str]:
        """Of an aside: `question`, and where the engine's words are the known ones, `by` and `effect`."""
        words = [b["text"] for b in self.step.input.get("content", []) if b.get("type") == "text"]
        found = _ASKED.fullmatch(words[-1]) if words else None
        return found.groupdict() if found else {"question": words[-1] if words else "", "by": "", "effect": ""}

    @property
    def told(self) -> str:
        """Words that the step's input brought besides tool results and people's messages, such as a correction."""
        if self.step.number == 1 or self.is_aside or self.is_compaction or self.is_judge or self.is_plan:
            return ""
        words = [b for b in self.step.input.get("content", []) if b.get("type") == "text"]
        return messages.text_of(words[int(self.is_synthesis) : len(words) - len(self.messages)])

    @cached_property
    def is_synthesis(self) -> bool:
        """It was told what became of the plan's steps, which the page shows better than the engine's words do."""
        if self.step.kind != Step.Kind.TURN:
            return False
        first = next((b.get("text", "") for b in self.step.input.get("content", []) if b.get("type") == "text"), "")
        return first.startswith(_WORKED_THROUGH)

    @property
    def took_ms(self) -> int | None:
        if not self.step.answered_at:
            return None
        return int((self.step.answered_at - self.step.opened_at).total_seconds() * 1000)

    @property
    def tokens(self) -> int:
        return self.step.input_tokens + self.step.output_tokens
