"""Tells a run on a terminal: steps, streamed words, tool calls with effect and tier, waits with their link, the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from agentops.core import messages
from agentops.live.frames import length
from agentops.templatetags.console import seconds, usd
from agentops.tools.escape import shorten, visible
from approvals.models import ApprovalRequest
from runs.models import Run, Step, ToolCall

Status = ToolCall.Status
MARKS = {
    Status.SUCCEEDED: "✓",
    Status.ANSWERED: "✓",
    Status.DONE_BY_PERSON: "✓",
    Status.HELD: "…",
    Status.APPROVED: "…",
    Status.EXECUTING: "→",
    Status.IN_DOUBT: "?",
}
"""Everything else did not happen: ✗."""


class Narrator:
    """Fed with happenings; writes lines. Hidden characters of models and tools come out written, never as control."""

    def __init__(self, run_id: UUID, write: Callable[[str], Any]) -> None:
        self._run_id = run_id
        self._write = write
        self._streamed: dict[int, str] = {}
        self._heard: dict[int, int] = {}
        """How far each open step's pieces have come, of any kind, without a gap."""
        self._over = 0
        """The last step that has answered: a piece of it that comes later was told with its answer."""
        self._told: dict[int, str] = {}
        """The status that was last told of each call."""
        self._said = ""
        """By the step that answered last."""

    def tell(self, happening: dict[str, Any]) -> None:
        if happening["type"] == "delta":
            self._delta(happening)
            return
        data = happening["data"]
        match happening["kind"]:
            case "step.opened":
                self._line(f"\n{_('Step')} {data['step']}")
            case "step.answered":
                self._answered(data["step"])
            case "step.retried":
                self._line(f"  ! {data.get('model')}: {data.get('error')}; {_('trying again')}")
            case "step.failed":
                self._line(f"  ✗ {data.get('error')}")
            case "call.changed":
                self._calls(ToolCall.objects.filter(pk=data["call"]))
            case "person.acted":
                note = f" ({data['note']})" if data.get("note") else ""
                self._line(f"  ● {data.get('by')} {data.get('action')}{note}")
            case "run.changed":
                self._changed(data)

    def end(self, run: Run) -> None:
        reason = f" ({run.stop_reason})" if run.stop_reason not in ("", "answered", "cancelled") else ""
        self._line(f"\n{run.get_status_display()}{reason}")
        last = run.answer or run.stop_detail
        if last and last.strip() != self._said:
            self._line(f"\n{last}")
        took = (run.ended_at - run.created_at) if run.ended_at else None
        self._line(
            f"\n{run.steps} {_('steps')} · {run.tool_calls} {_('tool calls')} · "
            f"{run.input_tokens + run.output_tokens:,} {_('tokens')} · {usd(run.cost_usd)} · {seconds(took)}"
        )

    def _delta(self, piece: dict[str, Any]) -> None:
        step, text, at = piece["step"], piece["text"], piece["at"]
        if step <= self._over:
            return
        if at == 0:
            self._streamed.pop(step, None)  # the step's first piece, or that of another try
        elif at != self._heard.get(step, 0):
            return  # a piece was lost: the rest is told when the step has answered
        self._heard[step] = at + length(text)
        if piece["kind"] != "text":
            return
        if not self._streamed.get(step):
            self._write("  ")
        self._streamed[step] = self._streamed.get(step, "") + text
        self._write(visible(text, multiline=True).replace("\n", "\n  "))

    def _answered(self, number: int) -> None:
        step = Step.objects.get(run_id=self._run_id, number=number)
        said, streamed = messages.text_of(step.output).strip(), self._streamed.pop(number, "").lstrip()
        self._said = said
        self._heard.pop(number, None)
        self._over = max(self._over, number)
        # Nothing, or not all of it, was streamed when Redis was away, or we came late.
        begun = bool(streamed) and (said.startswith(streamed) or said == streamed.strip())
        rest = visible(said[len(streamed) :] if begun else said, multiline=True).replace("\n", "\n  ")
        if streamed:
            self._write(f"{rest if begun else ''}\n")
        if rest and not begun:
            self._write(f"  {rest}\n")
        self._line(f"  {step.model} · {step.input_tokens + step.output_tokens:,} {_('tokens')} · {usd(step.cost_usd)}")
        self._calls(ToolCall.objects.filter(step=step).order_by("position"))

    def _calls(self, calls: Any) -> None:
        for call in calls:
            if self._told.get(call.pk) == call.status:
                continue
            tier = f" [{call.tier}]" if call.tier else ""
            what = call.tool if call.pk in self._told else f"{shorten(call.effect or call.tool, 300)}{tier}"
            self._told[call.pk] = call.status
            self._line(f"  {MARKS.get(call.status, '✗')} {what} · {_outcome(call)}")
            if call.status == Status.HELD:
                self._held(call)

    def _held(self, call: ToolCall) -> None:
        request = ApprovalRequest.objects.filter(
            subject_kind="tool_call", subject_id=str(call.pk), status="pending"
        ).first()
        if request:
            what = _("Answer it:") if request.wants == ApprovalRequest.Wants.ANSWER else _("Decide:")
            self._line(f"    {what} {settings.ENV.address}{reverse('approval', args=[request.pk])}")

    def _changed(self, data: dict[str, Any]) -> None:
        waiting_on = data.get("waiting_on") or ""
        if data.get("status") == Run.Status.WAITING and waiting_on:
            self._line(f"  {_('Waiting for')} {Run.WaitingOn(waiting_on).label}")
        elif data.get("status") == Run.Status.PAUSED:
            self._line(f"  {_('Paused')}")

    def _line(self, text: str) -> None:
        self._write(visible(text, multiline=True) + "\n")


def _outcome(call: ToolCall) -> str:
    """What came of it, or why it waits or was refused."""
    result = call.result or {}
    said = str(result.get("error") or result.get("summary") or "")
    if call.status in (Status.HELD, Status.INVALID):
        said = call.reason
    took = f", {call.duration_ms} ms" if call.duration_ms is not None else ""
    words = f"{call.get_status_display()}{took}"
    return f"{words}: {shorten(' '.join(said.split()), 200)}" if said else words
