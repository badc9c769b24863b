"""What a call costs: published prices from genai-prices, an admin's own in front, and never nothing for the unknown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

import genai_prices
import structlog
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from agentops.core.usage import Usage

from .rates import Band, Rates

PUBLISHED = f"genai-prices {genai_prices.__version__}"
OVERRIDDEN = "set by an administrator"

FALLBACK = Rates((Band(0, Decimal(15), Decimal(75), Decimal(15), Decimal("18.75")),))
"""USD per million tokens for a model that nobody knows the price of: the dearest published Claude price, with cache
reads at the full price of input."""
UNKNOWN = "unknown model, assumed USD 15 in / 75 out per million tokens"

PUBLISHED_SECONDS = 60.0
"""Published prices may start on a date or hold for some hours of the day: how long one that was looked up serves."""
FRESH_SECONDS = 5.0
"""How soon an administrator's new price counts."""
SMALLEST = Decimal("0.00000001")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """An administrator's price for a model, USD per million tokens. Zero is allowed: a model of one's own is free."""

    input_usd: Decimal
    output_usd: Decimal
    cache_read_usd: Decimal
    cache_write_usd: Decimal


Overrides = Mapping[str, PriceOverride]


class Pricing:
    """`overrides` by model name, or a function that loads them.

    The function may block: it always runs on a thread of its own, again when its last answer is older than
    `FRESH_SECONDS`. An event loop waits for it the first time only; later the last answer serves until the new one is
    there. It must leave nothing open behind it.
    """

    def __init__(self, overrides: Overrides | Callable[[], Overrides] | None = None) -> None:
        self._load = overrides if callable(overrides) else None
        self._overrides: Overrides = {} if overrides is None or callable(overrides) else overrides
        self._loaded_at = float("-inf")
        self._loading: Future[Overrides] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._published: dict[str, tuple[float, Rates, str]] = {}

    def cost(self, model: str, usage: Usage) -> tuple[Decimal, str]:
        """USD that `usage` costs, and where the price came from."""
        rates, source = self.rates(model)
        return rates.cost(usage).quantize(SMALLEST, ROUND_HALF_UP), source

    def worst_cost(self, models: Iterable[str], input_tokens: int, output_tokens: int) -> Decimal:
        """USD that so many tokens cost at most, at the dearest of the models and in the dearest way (cache writes)."""
        worst = max((self.rates(model)[0].worst(input_tokens, output_tokens) for model in models), default=None)
        return (worst or Decimal(0)).quantize(SMALLEST, ROUND_UP)

    def rates(self, model: str) -> tuple[Rates, str]:
        override = self._current_overrides().get(model)
        if override is not None:
            band = Band(0, override.input_usd, override.output_usd, override.cache_read_usd, override.cache_write_usd)
            return Rates((band,)), OVERRIDDEN
        expires, rates, source = self._published.get(model, (0.0, FALLBACK, UNKNOWN))
        if time.monotonic() >= expires:
            rates, source = _published(model)
            self._published[model] = (time.monotonic() + PUBLISHED_SECONDS, rates, source)
        return rates, source

    def _current_overrides(self) -> Overrides:
        if self._load is None or time.monotonic() - self._loaded_at < FRESH_SECONDS:
            return self._overrides
        loading = self._loading = self._loading or self._start_loading(self._load)
        if loading.done() or self._loaded_at == float("-inf") or not _in_event_loop():
            self._take(loading)
        return self._overrides

    def _start_loading(self, load: Callable[[], Overrides]) -> Future[Overrides]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="prices")
        return self._thread.submit(load)

    def _take(self, loading: Future[Overrides]) -> None:
        error = loading.exception()
        if error is None:
            self._overrides = loading.result()
        else:
            # A bill at yesterday's price is worth more than no bill.
            _log.warning("prices_not_reloaded", error=type(error).__name__)
        self._loading, self._loaded_at = None, time.monotonic()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _published(model: str) -> tuple[Rates, str]:
    for provider in ("anthropic", None):
        try:
            _, found = get_snapshot().find_provider_model(model, None, provider, None)
            return _rates(found.get_prices(datetime.now(UTC))), PUBLISHED
        except LookupError:
            continue
    return FALLBACK, UNKNOWN


def _rates(price: ModelPrice) -> Rates:
    """Raises LookupError when the price list has no price for text in or out."""
    kinds = (price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok)
    starts = {tier.start for kind in kinds if isinstance(kind, TieredPrices) for tier in kind.tiers}
    if kinds[0] is None or kinds[1] is None:
        raise LookupError("no price for tokens")
    return Rates(tuple(_band(start, kinds) for start in sorted({0} | starts)))


def _band(start: int, kinds: tuple[Decimal | TieredPrices | None, ...]) -> Band:
    text_in, text_out, read, write = (_at(start, kind) for kind in kinds)
    fallback = text_in or Decimal(0)
    return Band(
        start,
        fallback,
        text_out or Decimal(0),
        fallback if read is None else read,
        fallback if write is None else write,
    )


def _at(start: int, kind: Decimal | TieredPrices | None) -> Decimal | None:
    if not isinstance(kind, TieredPrices):
        return kind
    reached = [tier.price for tier in kind.tiers if tier.start <= start]
    return reached[-1] if reached else kind.base
