"""How many tokens fit into a request to a model, as far as it is published."""

from __future__ import annotations

from functools import lru_cache

from genai_prices.data_snapshot import get_snapshot


@lru_cache(256)
def context_window(model: str) -> int | None:
    for provider in ("anthropic", None):
        try:
            _, found = get_snapshot().find_provider_model(model, None, provider, None)
        except LookupError:
            continue
        return found.context_window
    return None
