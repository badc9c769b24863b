"""What a model call cost that nobody lived to see answered: an estimate, and marked as one.

The provider bills the input it read and what it had streamed. The input is what was counted before plus a token for
every four bytes since; the output is taken as the run's average.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache

from django.db import connection

from agentops.core.messages import Message
from agentops.core.models import Attempt
from agentops.core.usage import Usage
from agentops.engine.state import RunState
from agentops.gateway.pricing import PriceOverride, Pricing

from .models import ModelPrice, Run, Step

BYTES_A_TOKEN = 4
OUTPUT_UNKNOWN = 200


@cache
def pricing() -> Pricing:
    """Published prices with the admin's own in front; a change counts within seconds."""
    return Pricing(_overrides)


def _overrides() -> dict[str, PriceOverride]:
    columns = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
    try:
        return {
            row["model"]: PriceOverride(**{name: row[name] for name in columns})
            for row in ModelPrice.objects.values("model", *columns)
        }
    finally:
        connection.close()


def of_state(state: RunState) -> Attempt:
    """For a worker that took the run over."""
    new = _tokens(state.messages[state.counted_messages :])
    answers = [message for message in state.messages if message["role"] == "assistant"]
    agent = state.agent
    return _attempt(agent.chain[0], state.known_tokens + new, _tokens(answers), len(answers), agent.max_output_tokens)


def of_row(run: Run, step: Step) -> Attempt:
    """For a run that ended while its worker died."""
    before = Step.objects.filter(run=run, number__lt=step.number, kind=Step.Kind.TURN).order_by("-number").first()
    known = before.input_tokens + before.output_tokens if before else 0
    chain, most = (run.version.model_chain, run.version.max_output_tokens) if run.version else ([""], OUTPUT_UNKNOWN)
    return _attempt(chain[0], known + _tokens([step.input]), run.output_tokens, run.steps - 1, most)


def _attempt(model: str, input_tokens: int, output_so_far: int, answers: int, most_output: int) -> Attempt:
    average = output_so_far // answers if answers else OUTPUT_UNKNOWN
    # Never more than was held for the call: else a budget would be overrun by a guess.
    usage = Usage(input_tokens=input_tokens, output_tokens=min(average, most_output))
    cost, source = pricing().cost(model, usage)
    return Attempt(
        number=0,
        provider="",
        model=model,
        started_at=datetime.now(UTC),
        duration_ms=0,
        first_token_ms=None,
        usage=usage,
        cost_usd=cost,
        estimated=True,
        price_source=source,
        error_kind="abandoned",
        error="Its worker died while the model was answering.",
    )


def _tokens(messages: list[Message]) -> int:
    return len(json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace")) // BYTES_A_TOKEN
