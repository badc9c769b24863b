"""What the support desk can do in the shop: refund an order, take a refund back, delete a customer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import psycopg
from psycopg.rows import dict_row
from pydantic import Field

from agentops.core.tools import Compensation, Tier, ToolContext, ToolResult
from agentops.tools import ToolError, tool

OrderId = Annotated[str, Field(pattern=r"^A-[0-9]{1,8}$", description="Such as A-1001.")]
CustomerId = Annotated[str, Field(pattern=r"^C-[0-9]{1,8}$", description="Such as C-2001.")]

Amount = Annotated[Decimal, Field(gt=0, max_digits=10, decimal_places=2, description="USD, such as 19.90.")]
Reason = Annotated[str, Field(min_length=3, max_length=500, description="Why; kept in the records.")]


def back(arguments: dict[str, Any], data: Any) -> Compensation | None:
    """Take this very refund back; the shop gave it a number."""
    if not isinstance(data, dict) or not isinstance(data.get("refund"), int):
        return None
    taken = {"refund": data["refund"], "order_id": arguments["order_id"], "amount": arguments["amount"]}
    return "reverse_refund", taken | {"reason": "Undone"}


# Idempotent: the call's own id is the refund's unique key, so a second attempt at one call finds the first.
@tool(tier=Tier.HIGH, effect="Refund {amount} USD to order {order_id}", idempotent=True, timeout=20, undo=back)
async def refund_order(context: ToolContext, order_id: OrderId, amount: Amount, reason: Reason) -> ToolResult:
    """Pay money back for an order: at most its total less what was already refunded."""
    async with await _connect(context) as connection:
        # The order's row is the lock: two refunds of one order cannot both fit.
        order = await _one(connection, "SELECT total FROM shop.orders WHERE id = %s FOR UPDATE", order_id)
        if order is None:
            raise ToolError(f"There is no order {order_id}.", "Look the order up with sql_query.")
        done = await _one(connection, "SELECT id FROM shop.refunds WHERE idempotency_key = %s", context.call_id)
        if done is None:
            spent = await _one(
                connection,
                "SELECT coalesce(sum(amount), 0) AS paid FROM shop.refunds WHERE order_id = %s AND reversed_at IS NULL",
                order_id,
            )
            left = order["total"] - (spent or {"paid": 0})["paid"]
            if amount > left:
                raise ToolError(
                    f"{amount} USD is too much: of order {order_id} ({order['total']} USD), {left} are left.",
                    f"Refund at most {left} USD." if left else "The order is refunded in full already.",
                )
            done = await _one(
                connection,
                "INSERT INTO shop.refunds (order_id, amount, reason, idempotency_key)"
                " VALUES (%s, %s, %s, %s) RETURNING id",
                order_id, amount, reason, context.call_id,
            )  # fmt: skip
    data = {"refund": done and done["id"], "order": order_id, "amount": amount}
    return ToolResult("ok", data=data, summary=f"Refunded {amount} USD to order {order_id}")


# Idempotent: what is reversed already stays reversed.
@tool(
    tier=Tier.HIGH,
    effect="Take back refund {refund}: {amount} USD of order {order_id}",
    idempotent=True,
    timeout=20,
)
async def reverse_refund(
    context: ToolContext,
    refund: Annotated[int, Field(gt=0, description="The refund's number.")],
    order_id: OrderId,
    amount: Amount,
    reason: Reason,
) -> ToolResult:
    """Take a refund back that should not have been made; its order can be refunded again."""
    async with await _connect(context) as connection:
        found = await _one(
            connection,
            "SELECT amount, reversed_at FROM shop.refunds WHERE id = %s AND order_id = %s FOR UPDATE",
            refund, order_id,
        )  # fmt: skip
        if found is None:
            raise ToolError(f"Order {order_id} has no refund {refund}.", "Look it up with sql_query.")
        if found["amount"] != amount:
            raise ToolError(f"Refund {refund} was {found['amount']} USD, not {amount}.", "Look it up with sql_query.")
        if found["reversed_at"] is None:
            await connection.execute(
                b"UPDATE shop.refunds SET reversed_at = now(), reversed_because = %s WHERE id = %s", (reason, refund)
            )
    data = {"refund": refund, "order": order_id, "amount": amount}
    return ToolResult("ok", data=data, summary=f"Took back refund {refund} of {amount} USD")


@tool(
    tier=Tier.CRITICAL,
    effect="Delete customer {customer_id} and all their data",
    timeout=20,
    hint="A person does this in your place and tells you the outcome.",
)
async def delete_customer(context: ToolContext, customer_id: CustomerId, reason: Reason) -> ToolResult:
    """Delete a customer with all their orders and refunds, for good."""
    async with await _connect(context) as connection:
        orders = await _one(connection, "SELECT count(*) AS n FROM shop.orders WHERE customer_id = %s", customer_id)
        # Orders and refunds go with the customer, by the tables' foreign keys.
        gone = await _one(connection, "DELETE FROM shop.customers WHERE id = %s RETURNING id", customer_id)
    if gone is None:
        raise ToolError(f"There is no customer {customer_id}.", "Look the customer up with sql_query.")
    data = {"customer": customer_id, "orders_deleted": orders and orders["n"], "reason": reason}
    return ToolResult("ok", data=data, summary=f"Deleted customer {customer_id}")


async def _connect(context: ToolContext) -> psycopg.AsyncConnection[dict[str, Any]]:
    dsn = context.settings.get("shop_dsn")
    if not dsn:
        raise ToolError("The shop has no database: the setting `shop_dsn` is empty.", "Tell a person about it.")
    try:
        return await psycopg.AsyncConnection.connect(dsn, row_factory=dict_row, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ToolError("The shop's database cannot be reached.", "Try again later, or tell a person.") from error


async def _one(connection: psycopg.AsyncConnection[dict[str, Any]], query: str, *values: Any) -> dict[str, Any] | None:
    return await (await connection.execute(query.encode(), values)).fetchone()
