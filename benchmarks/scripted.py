"""A model that answers at once from a script: what is left to measure is the engine, the journal and PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agentops.core.models import Attempt, ModelAnswer, ModelRequest, OnAttempt, OnDelta, ToolUse
from agentops.core.usage import Usage


@dataclass(slots=True)
class Scripted:
    """Calls `tool` in every turn but the last."""

    tool: str
    steps: int

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        number = sum(message["role"] == "assistant" for message in request.messages) + 1
        attempt = Attempt(
            number=1,
            provider="scripted",
            model=request.chain[0],
            started_at=datetime.now(UTC),
            duration_ms=0,
            first_token_ms=0,
            usage=Usage(input_tokens=100 * number, output_tokens=20),
            cost_usd=Decimal("0.0001"),
            estimated=False,
            price_source="scripted",
        )
        if number >= self.steps:
            return ModelAnswer([{"type": "text", "text": "Done."}], [], "end_turn", [attempt])
        use = ToolUse(f"use_{number}", self.tool, {"number": number})
        block: dict[str, Any] = {"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}
        return ModelAnswer([block], [use], "tool_use", [attempt])

    async def count(self, request: ModelRequest) -> int | None:
        return None

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Decimal:
        return Decimal("0.001")
