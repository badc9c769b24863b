"""What tokens cost, against sums done by hand from the published prices."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from agentops.core.usage import Usage
from agentops.gateway.pricing import PriceOverride, Pricing

M = 1_000_000
OWN = PriceOverride(Decimal(1), Decimal(2), Decimal("0.1"), Decimal("1.5"))


def test_input_and_output() -> None:
    cost, source = Pricing().cost("claude-haiku-4-5", Usage(10_000, 2_000))
    assert cost == Decimal("0.02")  # 10,000 at $1 and 2,000 at $5
    assert source.startswith("genai-prices 0.2")


def test_cache_reads_and_writes_have_their_own_price_within_the_total() -> None:
    usage = Usage(100_000, 1_000, cache_read_tokens=80_000, cache_write_tokens=15_000)
    # 5,000 at $3, 80,000 at $0.30, 15,000 at $3.75 and 1,000 at $15 a million.
    assert Pricing().cost("claude-sonnet-4-5", usage)[0] == Decimal("0.11025")


def test_a_dated_name_costs_what_the_model_costs() -> None:
    usage = Usage(1_000, 1_000)
    assert Pricing().cost("claude-sonnet-4-5-20250929", usage) == Pricing().cost("claude-sonnet-4-5", usage)


@pytest.mark.parametrize(("tokens", "cost"), [(200_000, "0.6"), (200_001, "1.200006")])
def test_a_tier_prices_the_whole_call_once_it_is_crossed(tokens: int, cost: str) -> None:
    assert Pricing().cost("claude-sonnet-4-5", Usage(tokens))[0] == Decimal(cost)


def test_an_unknown_model_is_dear_and_says_so() -> None:
    cost, source = Pricing().cost("made-up-9", Usage(M, M, cache_read_tokens=M))
    assert cost == 90
    assert source.startswith("unknown model, assumed")


def test_another_makers_model_has_its_own_published_price() -> None:
    cost, source = Pricing().cost("gpt-5", Usage(M, M))
    assert cost == Decimal("11.25")
    assert source.startswith("genai-prices")


def test_an_admins_price_goes_before_the_published_one() -> None:
    usage = Usage(3 * M, M, cache_read_tokens=M, cache_write_tokens=M)
    assert Pricing({"claude-haiku-4-5": OWN}).cost("claude-haiku-4-5", usage) == (
        Decimal("4.6"),
        "set by an administrator",
    )


def test_the_loader_runs_on_a_thread_of_its_own() -> None:
    """It queries and closes its connection: on the caller's thread that would end the caller's transaction."""
    threads: list[str] = []

    def load() -> dict[str, PriceOverride]:
        threads.append(threading.current_thread().name)
        return {"mine": OWN}

    pricing = Pricing(load)
    assert pricing.cost("mine", Usage(M))[0] == 1
    assert pricing.cost("mine", Usage(M))[0] == 1
    assert len(threads) == 1
    assert threads[0] != threading.current_thread().name


async def test_an_event_loop_has_the_admins_prices_from_the_first_call() -> None:
    assert Pricing(lambda: {"mine": OWN}).cost("mine", Usage(M))[0] == 1


def test_prices_that_cannot_be_loaded_do_not_lose_the_bill() -> None:
    def load() -> dict[str, PriceOverride]:
        raise ConnectionError("the database is away")

    assert Pricing(load).cost("claude-haiku-4-5", Usage(M))[0] == 1


def test_the_worst_is_the_dearest_of_the_chain_written_to_the_cache() -> None:
    worst = Pricing().worst_cost(["claude-haiku-4-5", "claude-sonnet-4-5"], 1_000, 1_000)
    assert worst == Decimal("0.01875")  # $3.75 and $15 a million


def test_the_worst_counts_an_unknown_model_as_dear() -> None:
    assert Pricing().worst_cost(["claude-haiku-4-5", "made-up-9"], M, M) == Decimal("93.75")


def test_the_worst_is_rounded_up() -> None:
    third = PriceOverride(Decimal("0.001"), Decimal("0.001"), Decimal("0.001"), Decimal("0.001"))
    assert Pricing({"mine": third}).worst_cost(["mine"], 1, 0) == Decimal("0.00000001")


@pytest.mark.parametrize("tokens", [1, 99_999, 200_000, 200_001, 900_000])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-haiku-5-5", "claude-opus-5", "made-up-9"])
def test_no_call_costs_more_than_the_worst(model: str, tokens: int) -> None:
    pricing = Pricing()
    for read, written in [(0, 0), (tokens, 0), (0, tokens), (tokens // 2, tokens // 3)]:
        cost, _ = pricing.cost(model, Usage(tokens, 777, read, written))
        assert cost <= pricing.worst_cost([model], tokens, 777)
