"""Refunds never exceed what was paid and happen once a call; a deletion takes everything along."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from agentops.core.tools import InvalidArguments, Tier, ToolResult
from agentops.demo.tools import delete_customer, refund_order, reverse_refund
from tests.tools.contexts import context
from tests.tools.databases import shop_dsn  # noqa: F401

REFUND = {"order_id": "A-1042", "amount": "129.00", "reason": "Delivered late"}


async def refund(dsn: str, call_id: str, **changed: Any) -> ToolResult:
    arguments = refund_order.validate(REFUND | changed)
    return await refund_order.run(arguments, context(call_id=call_id, shop_dsn=dsn))


def refunded(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        query = "SELECT amount::text FROM refunds WHERE order_id = 'A-1042' ORDER BY id"
        return [row[0] for row in connection.execute(query)]


async def test_a_refund_is_one_row_however_often_its_call_runs(shop_dsn: str) -> None:  # noqa: F811
    first = await refund(shop_dsn, "call-1")
    again = await refund(shop_dsn, "call-1")
    assert first.ok and first == again
    assert refunded(shop_dsn) == ["129.00"]


async def test_refunds_together_never_exceed_the_total(shop_dsn: str) -> None:  # noqa: F811
    results = await asyncio.gather(*(refund(shop_dsn, f"call-{n}", amount="50.00") for n in range(5)))
    assert sorted(result.status for result in results) == ["error", "error", "error", "ok", "ok"]
    assert refunded(shop_dsn) == ["50.00", "50.00"]
    too_much = await refund(shop_dsn, "call-9", amount="29.01")
    assert "29.00 are left" in too_much.error
    assert (await refund(shop_dsn, "call-10", amount="29.00")).ok


async def test_an_unknown_order_or_no_database_is_said(shop_dsn: str) -> None:  # noqa: F811
    assert "no order A-9999" in (await refund(shop_dsn, "call-1", order_id="A-9999")).error
    assert "shop_dsn" in (await refund("", "call-1")).error


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1.001"},
        {"amount": "1e30"},
        {"order_id": "A-1; --"},
        {"reason": ""},
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments):
        refund_order.validate(REFUND | wrong)


def test_risk_and_effect_are_declared() -> None:
    assert refund_order.tier is Tier.HIGH
    assert refund_order.effect_line(REFUND) == "Refund 129.00 USD to order A-1042"
    assert delete_customer.tier is Tier.CRITICAL
    arguments = {"customer_id": "C-2087", "reason": "GDPR"}
    assert delete_customer.effect_line(arguments) == "Delete customer C-2087 and all their data"
    assert not delete_customer.idempotent


async def test_deleting_a_customer_takes_orders_along(shop_dsn: str) -> None:  # noqa: F811
    arguments = delete_customer.validate({"customer_id": "C-2087", "reason": "GDPR"})
    result = await delete_customer.run(arguments, context(shop_dsn=shop_dsn))
    assert result.ok
    assert result.data["orders_deleted"] > 0
    with psycopg.connect(shop_dsn) as connection:
        assert connection.execute("SELECT FROM orders WHERE customer_id = 'C-2087'").fetchall() == []
    again = await delete_customer.run(arguments, context(shop_dsn=shop_dsn))
    assert "no customer C-2087" in again.error


async def reverse(dsn: str, made: ToolResult, **changed: Any) -> ToolResult:
    name, arguments = refund_order.compensation(refund_order.validate(REFUND), made.data) or ("", {})
    assert name == reverse_refund.name
    checked = reverse_refund.validate({**arguments, **changed})
    return await reverse_refund.run(checked, context(call_id="undo-1", shop_dsn=dsn))


async def test_a_refund_that_is_taken_back_can_be_made_again(shop_dsn: str) -> None:  # noqa: F811
    made = await refund(shop_dsn, "call-1")
    assert (await refund(shop_dsn, "call-2")).status == "error"
    assert (await reverse(shop_dsn, made)).ok
    assert (await reverse(shop_dsn, made)).ok, "once more changes nothing"
    assert (await refund(shop_dsn, "call-2")).ok


async def test_only_the_very_refund_is_taken_back(shop_dsn: str) -> None:  # noqa: F811
    made = await refund(shop_dsn, "call-1")
    for changed in ({"order_id": "A-1077"}, {"refund": 999_999}, {"amount": "1.00"}):
        assert (await reverse(shop_dsn, made, **changed)).status == "error"
    assert (await refund(shop_dsn, "call-2")).status == "error"


def test_a_refund_whose_number_is_not_known_cannot_be_taken_back() -> None:
    assert refund_order.compensation(REFUND, None) is None
    assert refund_order.compensation(REFUND, {"refund": "7"}) is None
    assert reverse_refund.tier is Tier.HIGH
