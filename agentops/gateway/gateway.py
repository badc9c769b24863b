"""The way to any model: picks, retries, falls back, prices, and accounts for every attempt."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from urllib.parse import urlsplit

import structlog

from agentops.core.models import Attempt, Model, ModelAnswer, ModelRequest, OnAttempt, OnDelta

from .pricing import Pricing
from .providers.base import LEAST_THINKING_TOKENS, READ_SECONDS, Provider, ProviderFault
from .retry import AttemptCancelled, Failed, RetryPolicy, Sleep, through_chain
from .transcript import Transcript

_log = structlog.get_logger(__name__)


class Gateway(Model):
    """One for a process. `provider` names the server in the ledger; without it, "anthropic" or the host of `base_url`.

    `read_timeout` is the longest silence in seconds between two pieces of an answer.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        pricing: Pricing | None = None,
        provider: str | Provider | None = None,
        *,
        read_timeout: float = READ_SECONDS,
        policy: RetryPolicy | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._provider: Provider = (
            _messages_api(provider or _name_of(base_url), api_key, base_url, read_timeout)
            if provider is None or isinstance(provider, str)
            else provider
        )
        self._pricing = pricing or Pricing()
        self._policy = policy or RetryPolicy()
        self._sleep = sleep

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        attempt = partial(self._attempt, request, on_delta)
        return await through_chain(request.chain, attempt, on_failed_attempt, self._policy, self._sleep)

    async def count(self, request: ModelRequest) -> int | None:
        return await self._provider.count(request.chain[0], request) if request.chain else None

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Decimal:
        thinking = max(request.thinking_tokens, LEAST_THINKING_TOKENS) if request.thinking_tokens else 0
        output = request.max_output_tokens + thinking
        return self._pricing.worst_cost(request.chain, known_input_tokens + new_bytes, output)

    async def aclose(self) -> None:
        await self._provider.aclose()

    async def _attempt(self, request: ModelRequest, on_delta: OnDelta, model: str, number: int) -> ModelAnswer | Failed:
        started_at, transcript = datetime.now(UTC), Transcript(on_delta)
        row = partial(self._row, model, number, started_at, transcript)
        try:
            await self._provider.stream(model, request, number, transcript)
        except ProviderFault as fault:
            return Failed(row(fault.kind, str(fault)), fault)
        except asyncio.CancelledError as cancelled:
            raise AttemptCancelled(row("cancelled", "Cancelled while it was answering.")) from cancelled
        content, tool_uses, stop_reason = transcript.answer()
        attempt = row()
        _log.info(
            "model_answered",
            model=model,
            provider=attempt.provider,
            attempt=number,
            stop_reason=stop_reason,
            input_tokens=attempt.usage.input_tokens,
            output_tokens=attempt.usage.output_tokens,
            first_token_ms=attempt.first_token_ms,
            duration_ms=attempt.duration_ms,
            request_id=attempt.request_id,
        )
        return ModelAnswer(content, tool_uses, stop_reason, [attempt])

    def _row(
        self,
        model: str,
        number: int,
        started_at: datetime,
        transcript: Transcript,
        error_kind: str = "",
        error: str = "",
    ) -> Attempt:
        usage, estimated = transcript.bill()
        cost, source = self._pricing.cost(model, usage)
        if error_kind == "connection" and not transcript.started:
            error = f"{error} (nothing had arrived, so nothing is counted; the provider may bill it)"
        return Attempt(
            number=number,
            provider=self._provider.name,
            model=model,
            started_at=started_at,
            duration_ms=transcript.elapsed_ms,
            first_token_ms=transcript.first_token_ms,
            usage=usage,
            cost_usd=cost,
            estimated=estimated,
            price_source=source,
            error_kind=error_kind,
            error=error,
            request_id=transcript.request_id,
        )


def _messages_api(name: str, api_key: str, base_url: str | None, read_seconds: float) -> Provider:
    """The SDK takes a second and 40 MB to import: only a process that asks models does."""
    from .providers.messages_api import MessagesProvider

    return MessagesProvider(name, api_key, base_url, read_seconds=read_seconds)


def _name_of(base_url: str | None) -> str:
    host = urlsplit(base_url or "").hostname or ""
    return host if host and host != "api.anthropic.com" else "anthropic"
