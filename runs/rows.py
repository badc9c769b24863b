"""Rows as the journal's statement takes them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from agentops.core.messages import Block
from agentops.core.models import Attempt, ModelAnswer
from agentops.core.states import CallStatus
from agentops.core.storable import storable
from agentops.core.usage import Usage
from agentops.engine.calls import not_run
from agentops.engine.state import Call, Opening, OpenStep


def billed(attempt: Attempt, step_id: int) -> dict[str, Any]:
    return {
        "step_id": step_id,
        "number": attempt.number,
        "provider": attempt.provider,
        "model": attempt.model,
        "started_at": attempt.started_at.isoformat(),
        "duration_ms": attempt.duration_ms,
        "first_token_ms": attempt.first_token_ms,
        **asdict(attempt.usage),
        "cost_usd": str(attempt.cost_usd),
        "estimated": attempt.estimated,
        "price_source": attempt.price_source[:120],
        "error_kind": attempt.error_kind,
        "error": storable(attempt.error),
        "request_id": storable(attempt.request_id)[:120],
    }


def opened(number: int, opening: Opening) -> dict[str, Any]:
    return {
        "number": number,
        "kind": opening.kind,
        "input": opening.message,
        "reminder": storable(opening.reminder),
        "recovery": opening.recovery,
        "context": opening.context,
    }


def closed(
    step: OpenStep,
    status: str,
    answer: ModelAnswer | None,
    output: list[Block],
    cost: Decimal,
    error: str = "",
    details: dict[str, Any] | None = None,
) -> dict[str, Any]:
    usage = answer.usage if answer else Usage()
    asked = answer.attempts[-1] if answer and answer.attempts else None
    return {
        "id": step.id,
        "status": status,
        "output": output,
        "model": asked.model if asked else "",
        "stop_reason": answer.stop_reason[:20] if answer else "",
        "error": storable(error),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cost_usd": str(cost),
        "first_token_ms": asked.first_token_ms if asked else None,
        "details": storable(details),
    }


def proposed(call: Call, step: OpenStep) -> dict[str, Any]:
    return {
        "step_id": step.id,
        "position": call.position,
        "tool_use_id": storable(call.tool_use_id)[:120],
        "tool": call.tool,
        "raw_arguments": call.raw_arguments,
        "arguments": call.arguments,
        "status": call.status,
        "tier": call.tier,
        "effect": call.effect,
        "idempotent": call.idempotent,
        "bound_hash": call.bound_hash,
        "policy_version_id": call.policy_version_id,
        "rule": call.rule,
        "reason": storable(call.reason),
        "result": asdict(not_run(call)) if call.status is CallStatus.INVALID else None,
        "ordered_by": storable(call.ordered_by)[:150],
        "undoes": call.undoes,
    }


def finished(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "status": call.status,
        "reason": storable(call.reason),
        "result": asdict(call.result) if call.result else None,
        "duration_ms": call.duration_ms,
        "untrusted_source": call.result.untrusted_source[:300] if call.result else "",
    }
