"""Arguments are checked first, and what is wrong with them is said so that a model can mend it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agentops.core.tools import InvalidArguments
from agentops.tools import tool
from agentops.tools.arguments import unknown_tool_message
from agentops.tools.hygiene import MAX_BYTES
from agentops.tools.registry import Registry


class Line(BaseModel):
    item: str
    count: int = 1
    code: Annotated[str, Field(pattern="^[0-9]{4}$", description="Four digits.")] = "0000"
    size: Annotated[str, Field(pattern="^[SML]$")] = "M"


@tool(reads_only=True, into=Registry())
def buy(
    order_id: str,
    amount: Annotated[Decimal, Field(gt=0)],
    ratio: float = 1.0,
    kind: Literal["gift", "own"] = "own",
    lines: list[Line] = [],  # noqa: B006
    extra: dict[str, Any] | None = None,
    count: int = 1,
) -> None:
    """Buy."""


GOOD = {"order_id": "A-1", "amount": "129.00"}


def complaint(arguments: Any) -> str:
    with pytest.raises(InvalidArguments) as caught:
        buy.validate(arguments)
    return str(caught.value)


def test_defaults_are_filled_in_and_decimals_are_text() -> None:
    assert buy.validate({**GOOD, "lines": [{"item": "x"}]}) == {
        "order_id": "A-1",
        "amount": "129.00",
        "ratio": 1.0,
        "kind": "own",
        "lines": [{"item": "x", "count": 1, "code": "0000", "size": "M"}],
        "extra": None,
        "count": 1,
    }


def test_validating_twice_changes_nothing() -> None:
    once = buy.validate({**GOOD, "amount": 12.5, "ratio": 2})
    assert buy.validate(once) == once
    assert json.dumps(buy.validate(once)) == json.dumps(once)


@pytest.mark.parametrize("amount", ["129.00", 129, 129.1])
def test_decimals_may_come_as_text_or_number(amount: Any) -> None:
    assert Decimal(buy.validate({**GOOD, "amount": amount})["amount"]) == Decimal(str(amount))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"count": "5"}, 'count: Input should be a valid integer; given "5"'),
        ({"count": True}, "count: Input should be a valid integer"),
        ({"count": 1.5}, "count: Input should be a valid integer"),
        ({"order_id": 7}, "order_id: Input should be a valid string; given 7"),
        ({"amount": "lots"}, "amount: Input should be a valid decimal"),
        ({"amount": "-1"}, "amount: Input should be greater than 0"),
        ({"amount": "NaN"}, "amount: "),
        ({"kind": "loan"}, "kind: Input should be 'gift' or 'own'"),
        ({"oder_id": "A-1"}, "oder_id: no such field; did you mean order_id?"),
        ({"lines": [{"item": "x", "colour": 3}]}, "lines.0.colour: no such field"),
        ({"lines": [{"item": "x", "code": "a"}]}, 'lines.0.code: not what is wanted: Four digits; given "a"'),
        ({"lines": [{"item": "x", "size": "a"}]}, "lines.0.size: String should match pattern '^[SML]$'; given"),
        ({"lines": [{"count": 3}]}, "lines.0.item: required, but missing"),
        ({"lines": "x"}, "lines: Input should be a valid array"),
    ],
)
def test_each_wrong_field_is_named_with_what_was_given(wrong: dict[str, Any], expected: str) -> None:
    assert expected in complaint({**GOOD, **wrong})


def test_all_wrong_fields_are_named_at_once_with_the_right_ones() -> None:
    message = complaint({"count": "x"})
    assert "order_id: required, but missing" in message
    assert "amount: required, but missing" in message
    assert "count: Input should be" in message
    assert "order_id (string, required)" in message
    assert "kind (one of gift, own, optional)" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (None, "null"),
        ([], "a list"),
        ("{}", "a string"),
        ({**GOOD, "order_id": "a\0"}, "NUL"),
        ({**GOOD, "order_id": "\ud800"}, "surrogate"),
        ({**GOOD, "\ud800": 1}, "surrogate"),
        ({**GOOD, "extra": {"a\0": 1}}, "NUL"),
        ({**GOOD, "ratio": float("nan")}, "not a number"),
        ({**GOOD, "ratio": float("inf")}, "infinite"),
        ({**GOOD, "count": 10**5000}, "too large"),
        ({**GOOD, "order_id": "x" * MAX_BYTES}, "at most"),
        ({**GOOD, "extra": {1: 2}}, "must be strings"),
        ({**GOOD, "extra": {"a": {1, 2}}}, "not JSON"),
    ],
)
def test_what_is_no_sane_json_object_is_refused(arguments: Any, expected: str) -> None:
    assert expected in complaint(arguments)


@pytest.mark.parametrize("depth", [40, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"a": nested}
    assert "nested deeper" in complaint({**GOOD, "extra": nested})


def test_what_was_given_is_shortened_and_cannot_hide() -> None:
    message = complaint({**GOOD, "count": "\u202e" + "x" * 5000})
    assert "⟨U+202E⟩" in message
    assert len(message) < 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)
fields = st.sampled_from(["order_id", "amount", "ratio", "kind", "lines", "extra", "count", "item"])


@given(json_values | st.dictionaries(fields, json_values))
def test_any_json_is_either_refused_or_canonical(arguments: Any) -> None:
    try:
        validated = buy.validate(arguments)
    except InvalidArguments as error:
        str(error).encode()
    else:
        json.dumps(validated, allow_nan=False, ensure_ascii=False).encode()
        assert buy.validate(validated) == validated
        buy.effect_line(validated).encode()


def test_an_unknown_tool_is_answered_with_the_nearest_names() -> None:
    message = unknown_tool_message("refund_ordr", ["refund_order", "read_file"])
    assert "Did you mean refund_order?" in message
    assert "read_file" in message
    assert unknown_tool_message("x\u202e", []).endswith("Your tools: none.")
