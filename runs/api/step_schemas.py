"""Steps, tool calls and events as REST shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from agentops.rest import Body, Usd, listed

from ..models import Step, ToolCall


class Resolution(Body):
    """What a person found out about a call whose worker died in the middle of it."""

    outcome: Literal["happened", "did_not_happen", "do_it_now"]
    note: str = Field(
        "", max_length=2000, description="Told to the agent.", examples=["Seen in the shop: 12.00 USD went back."]
    )


class StepOut(Schema):
    number: int
    kind: Annotated[Step.Kind, listed(Step.Kind)] = Field(
        description="An aside answers what an approver asked; it acts on nothing."
    )
    status: Annotated[Step.Status, listed(Step.Status)]
    input: dict[str, Any] = Field(
        examples=[{"role": "user", "content": [{"type": "text", "text": "Answer the mail that came in today."}]}]
    )
    output: list[dict[str, Any]] = Field(examples=[[{"type": "text", "text": "I will read the inbox first."}]])
    model: str = Field(examples=["claude-sonnet-4-5"])
    stop_reason: str = Field(examples=["tool_use"])
    error: str = Field(examples=[""])
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Usd
    first_token_ms: int | None
    opened_at: datetime
    answered_at: datetime | None


class ToolCallOut(Schema):
    id: int
    step: int
    tool: str = Field(examples=["send_email"])
    raw_arguments: Any = Field(description="As the model wrote them.", examples=[{"to": "ada@example.com"}])
    arguments: Any = Field(
        description="Validated, with defaults: what runs.", examples=[{"to": "ada@example.com", "subject": ""}]
    )
    status: Annotated[ToolCall.Status, listed(ToolCall.Status)]
    tier: str = Field(examples=["medium"])
    effect: str = Field(examples=["Send a mail to ada@example.com"])
    rule: str = Field(examples=[""])
    reason: str = Field(examples=["send_email is medium by its own setting"])
    result: dict[str, Any] | None = Field(examples=[None])
    result_text: str = Field(description="What the model was told.", examples=[""])
    untrusted_source: str = Field(examples=[""])
    edited_by: str = Field(description="Who changed its arguments before it ran.", examples=[""])
    resolved_by: str = Field(examples=[""])
    ordered_by: str = Field(description="Who chose it in the model's place.", examples=[""])
    undo_run: UUID | None = Field(description="The run that takes it back.", examples=[None])
    undoes: int | None = Field(description="The call that it takes back.", examples=[None])
    verified: dict[str, Any] | None = Field(
        description="Of a call in doubt: what the outside system `said`, whether it `happened` (null: it cannot tell), "
        "and when (`at`). `asked_at` or `looking_since`: it is being looked up.",
        examples=[{"said": "No mail <…> was sent so far.", "happened": False, "at": "2026-11-21T12:04:31+00:00"}],
    )
    proposed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None

    @staticmethod
    def resolve_step(call: ToolCall) -> int:
        return call.step.number

    @staticmethod
    def resolve_undo_run(call: ToolCall) -> UUID | None:
        return call.undo_run_id

    @staticmethod
    def resolve_undoes(call: ToolCall) -> int | None:
        return call.undoes_id

    @staticmethod
    def resolve_edited_by(call: ToolCall) -> str:
        return call.edited_by_name

    @staticmethod
    def resolve_resolved_by(call: ToolCall) -> str:
        return call.resolved_by_name


class EventOut(Schema):
    seq: int
    kind: str = Field(examples=["run.changed"])
    data: dict[str, Any]
    at: datetime


class Events(Schema):
    items: list[EventOut]
    seq: int = Field(description="The run's last event; when it is beyond your last item, ask again.")
