"""The one retry loop: back-off with full jitter, `retry-after` honoured, then the next model of the chain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from agentops.core.models import Attempt, CallCancelled, ModelAnswer, ModelFailed, OnAttempt

from .providers.base import ProviderFault

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds throughout."""

    attempts_per_model: int = 3
    base: float = 0.5
    cap: float = 30.0
    longest_retry_after: float = 60.0
    """A provider that asks for more is left for the next model."""

    def wait(self, tries: int, asked: float | None) -> float:
        """Before the next try after `tries` on this model: full jitter (a random part of the exponential step), and no
        less than the provider asked for."""
        jittered = random.uniform(0, min(self.cap, self.base * 2 ** (tries - 1)))  # noqa: S311
        return max(jittered, asked or 0.0)


@dataclass(frozen=True, slots=True)
class Failed:
    """One attempt that failed: its row for the ledger, and the reason."""

    attempt: Attempt
    fault: ProviderFault


class AttemptCancelled(asyncio.CancelledError):
    """Cancelled in mid-stream; `attempt` is what that one will be billed."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self.attempt = attempt


Try = Callable[[str, int], Awaitable[ModelAnswer | Failed]]
"""One attempt: the model's name and the attempt's number in this call, from 1."""


async def through_chain(
    chain: tuple[str, ...], attempt: Try, on_failed: OnAttempt, policy: RetryPolicy, sleep: Sleep
) -> ModelAnswer:
    """The first answer. `on_failed` hears of each failed attempt that another will follow, before it is made; the last
    failed one is in ModelFailed's own list."""
    failures: list[Failed] = []
    try:
        while True:
            model, wait = _next(chain, failures, policy)
            if failures:
                await on_failed(failures[-1].attempt)
                _log_retry(failures[-1], model, wait)
                if wait:
                    await sleep(wait)
            outcome = await attempt(model, len(failures) + 1)
            if isinstance(outcome, ModelAnswer):
                outcome.attempts[:0] = [failed.attempt for failed in failures]
                return outcome
            failures.append(outcome)
    except asyncio.CancelledError as cancelled:
        attempts = [failed.attempt for failed in failures]
        if isinstance(cancelled, AttemptCancelled):
            attempts.append(cancelled.attempt)
        raise CallCancelled(attempts) from cancelled


def _next(chain: tuple[str, ...], failures: list[Failed], policy: RetryPolicy) -> tuple[str, float]:
    """The model to try next and the seconds to wait before. Raises ModelFailed when there is none."""
    if not failures:
        if not chain:
            raise ModelFailed("The agent names no model. Give it at least one.", "rejected", [])
        return chain[0], 0.0
    last = failures[-1]
    if last.fault.kind == "rejected":
        raise _all_failed(failures)
    here = last.attempt.model
    tries = sum(failed.attempt.model == here for failed in failures)
    asked = last.fault.retry_after
    hopeless = last.fault.kind in ("auth", "not_found") or (asked or 0.0) > policy.longest_retry_after
    if not hopeless and tries < policy.attempts_per_model:
        return here, policy.wait(tries, asked)
    tried = {failed.attempt.model for failed in failures}
    for model in chain:
        if model not in tried:
            return model, 0.0
    raise _all_failed(failures)


def _all_failed(failures: list[Failed]) -> ModelFailed:
    lines = [f"attempt {failed.attempt.number}, {failed.attempt.model}: {failed.attempt.error}" for failed in failures]
    return ModelFailed(
        f"No model answered. {'; '.join(lines)}.",
        failures[-1].fault.kind,
        [failed.attempt for failed in failures],
    )


def _log_retry(failed: Failed, model: str, wait: float) -> None:
    _log.info(
        "model_retry" if model == failed.attempt.model else "model_fallback",
        after=failed.attempt.model,
        next=model,
        attempt=failed.attempt.number + 1,
        reason=failed.fault.kind,
        wait_seconds=round(wait, 2),
    )
