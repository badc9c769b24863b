"""Conditions: checked when written, bounded when asked, failing towards a person."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.errors import InvalidInput
from approvals.conditions import Condition, ConditionFailed, Facts, check


def facts(**args: Any) -> Facts:
    run = {"cost_usd": 0.5, "steps": 3, "tool_calls": 1}
    return Facts(args=args, agent="support", tool="refund", tainted=True, run=run)


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("double(args.amount) > 100.0", True),
        ("double(args.amount) > 129.0", False),
        ("tainted && agent == 'support' && tool.startsWith('ref')", True),
        ("run.cost_usd < 1.0 && run.steps == 3 && run.tool_calls == 1", True),
        ("args.to.exists(a, a.endsWith('@example.com'))", True),
        ("has(args.note)", False),
        ("args.to.exists(a, a == 'x') || args.to.all(a, a != '')", True),
    ],
)
def test_a_condition_looks_at_arguments_and_run(source: str, holds: bool) -> None:
    check(source)
    assert Condition(source).holds(facts(amount="129.00", to=["ada@example.com"])) is holds


@pytest.mark.parametrize(
    "source",
    [
        "1 +",
        "args.amount > ",
        "amount > 100.0",
        "args.a.all(x, args.b.exists(y, x == y))",
        "args.a.filter(x, args.b.map(y, y) == x).size() > 0",
        "args.a.all(x, x == ')' && args.b.exists(y, y == x))",
        "args.a.all(x, x == r'\\' && args.b.exists(y, y == x))",
        'args.a.all(x, x == """it\'s )""" && args.b . exists (y, y == x))',
        "args.a.all(x, // ) \n args.b.exists(y, y == x))",
        "args.a.exists_one(x, (args.b.exists(y, y == x)))",
        " && ".join(["args.a.all(x, x > 1)"] * 5),
        "true || " * 300 + "true",
        "(" * 500 + "true" + ")" * 500,
    ],
)
def test_what_could_not_work_or_costs_too_much_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(source)
    assert refused.value.field == "condition"


@pytest.mark.parametrize("source", ["args.note == 'x.all(y, z.exists('", "args.all == 'a' && args.map == 'b'"])
def test_text_and_fields_that_look_like_list_walking_are_fine(source: str) -> None:
    check(source)


@pytest.mark.parametrize(
    ("source", "args"),
    [
        ("double(args.amount) > 100.0", {}),
        ("double(args.amount) > 100.0", {"amount": "much"}),
        ("double(args.amount) > 100.0", {"amount": None}),
        ("args.amount", {"amount": "true"}),
        ("args.count", {"count": 1}),
        ("args.count + 1 > 2", {"count": 2**63 - 1}),
        ("10 / args.count > 2", {"count": 0}),
        ("args.list[3] == 1", {"list": []}),
        ("args.note == 'x'", {"note": "half \ud800"}),
        ("nonsense(args.note)", {"note": "x"}),
        ("1 +", {}),
        ("args.list.all(x, args.list.exists(y, x == y))", {"list": [1]}),
        ("args.big != ''", {"big": "x" * 100_000}),
        ("args.list.filter(x, x >= 0).size() >= 0", {"list": list(range(1_000))}),
        ("args.deep != 1", {"deep": None}),
    ],
)
def test_whatever_goes_wrong_is_a_failure_and_never_a_no(source: str, args: dict[str, Any]) -> None:
    if "deep" in args:
        for _ in range(5_000):
            args = {"deep": args}
    with pytest.raises(ConditionFailed):
        Condition(source).holds(facts(**args))


def test_an_attackers_long_list_is_not_walked() -> None:
    """Quadratic work is refused by the size of the arguments, before the condition sees them."""
    seen = facts(items=[0] * 20_000)
    with pytest.raises(ConditionFailed, match="20,002 values"):
        Condition("args.items.filter(x, x >= 0).size() > 1").holds(seen)
    assert "context" not in vars(seen)


def test_a_failure_shows_no_hidden_characters() -> None:
    with pytest.raises(ConditionFailed) as failed:
        Condition("args['\u202ex']").holds(facts())
    assert str(failed.value).isprintable()
