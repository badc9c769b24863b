"""The prices of one model and the arithmetic over them, cache reads and writes apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agentops.core.usage import Usage

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Band:
    """USD per million tokens for calls with more than `above` tokens of input."""

    above: int
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """Bands by `above`, ascending, the first at 0. The whole call is priced in one band, by its total input."""

    bands: tuple[Band, ...]

    def cost(self, usage: Usage) -> Decimal:
        band = next((band for band in reversed(self.bands) if usage.input_tokens > band.above), self.bands[0])
        uncached = max(usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens, 0)
        return (
            uncached * band.input
            + usage.cache_read_tokens * band.cache_read
            + usage.cache_write_tokens * band.cache_write
            + usage.output_tokens * band.output
        ) / MILLION

    def worst(self, input_tokens: int, output_tokens: int) -> Decimal:
        return (
            max(
                input_tokens * max(band.input, band.cache_read, band.cache_write) + output_tokens * band.output
                for band in self.bands
                if input_tokens > band.above or band.above == 0
            )
            / MILLION
        )
