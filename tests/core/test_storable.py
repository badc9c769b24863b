"""What models and tools send can be stored, and means the same where it could be stored before."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agentops.core.storable import storable
from agentops.core.tools import Tier, digest

texts = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_nothing_unstorable_is_left_and_nothing_else_changes(value: object) -> None:
    stored = json.dumps(storable(value), ensure_ascii=False)
    stored.encode("utf-8")
    assert "\\u0000" not in stored
    assert storable(storable(value)) == storable(value)


@given(texts)
def test_a_string_keeps_its_length_and_its_storable_characters(text: str) -> None:
    kept = storable(text)
    assert len(kept) == len(text)
    assert all(b in (a, "\ufffd") for a, b in zip(text, kept, strict=True))


def test_text_that_can_be_stored_stays_the_same_object() -> None:
    text = "naïve 🙂"
    assert storable(text) is text


@given(st.dictionaries(texts, values, min_size=2))
def test_a_digest_does_not_know_the_order_of_keys(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_taint_raises_a_tier_by_one_and_never_to_critical() -> None:
    ups = {tier: tier.one_up() for tier in Tier}
    assert ups == {"low": "medium", "medium": "high", "high": "high", "critical": "critical"}
