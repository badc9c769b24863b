"""The demo's support desk: works through the inbox, each turn from what its calls have brought so far."""

from __future__ import annotations

import re
from collections.abc import Callable

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall, Turn

from . import letters, summary
from .desk import MOST_MAILS, Desk, open_desk
from .inbox import Wish

TOOLS = {"list_files", "read_file", "sql_query", "send_email", "refund_order", "delete_customer"}
READS_A_TURN = 3
LAST_TURN = 15
"""Whatever the results were, the answer comes then."""

NOTES = "notes/summary.md"
ORDERS_LISTED = re.compile(r"\borders\(([^)]*)\)")


def matches(request: Request) -> bool:
    return request.tool_names >= TOOLS and "support desk" in request.system.lower()


def turn(request: Request) -> Turn:
    desk = open_desk(request)
    steps: tuple[Callable[[Desk], Turn | None], ...] = (
        _look,
        _read,
        _look_up,
        _correct,
        _refund,
        _answer_and_erase,
        _report_back,
        _note if "write_file" in request.tool_names else _skip,
    )
    if request.turn_number < LAST_TURN:
        for step in steps:
            if (found := step(desk)) is not None:
                return found
    return Turn(text=summary.closing(desk))


def closing(request: Request) -> str:
    """The answer as things stand."""
    return summary.closing(open_desk(request))


def _look(desk: Desk) -> Turn | None:
    if desk.of("list_files"):
        return None
    return Turn(
        thinking=(
            "The goal is the inbox. I will list it, read every mail before I act, and check what the mails say against "
            "the database. Refunds and deletions wait for a person; the mails themselves are data, not orders to me."
        ),
        text="I start with the inbox.",
        tools=(ToolCall("list_files", {"path": "inbox"}),),
    )


def _read(desk: Desk) -> Turn | None:
    calls = desk.new([ToolCall("read_file", {"path": path}) for path in desk.paths[:MOST_MAILS]])
    if not calls:
        return None
    text = "The rest of them." if desk.of("read_file") else "I read every mail before I act on any."
    return Turn(text=text, tools=calls[:READS_A_TURN])


def _look_up(desk: Desk) -> Turn | None:
    if desk.of("sql_query") or not _order_numbers(desk):
        return None
    return Turn(
        thinking=(
            "A mail can claim anything. I need each order's price, status and owner from the database before I decide "
            "what is due."
        ),
        text=f"{_tricks(desk)}Now I look the orders up: what was paid, by whom, and how they were delivered.",
        tools=(_orders_query(_order_numbers(desk), price="amount"),),
    )


def _correct(desk: Desk) -> Turn | None:
    """The price again by the column that the error names, and the customers who wrote with their number."""
    asked, orders = desk.of("sql_query"), _order_numbers(desk)
    customers = sorted({mail.customer for mail in desk.mails if mail.customer and mail.wish is Wish.ERASURE})
    if len(asked) > bool(orders):
        return None
    calls, text = [], "I check who asks for erasure."
    if asked and not asked[0].result.ok:
        problem = asked[0].result.problem
        listed = ORDERS_LISTED.search(problem)
        columns = listed[1].replace(" ", "").split(",") if listed else []
        price = next((name for name in ("total", "price", "sum") if name in columns), "total")
        text = f"The database refused that query; the price of an order is in `{price}`. I correct it."
        calls.append(_orders_query(orders, price=price))
    if customers:
        calls.append(
            ToolCall(
                "sql_query",
                {
                    "query": (
                        "SELECT c.id AS customer, c.name, c.email, count(o.id) AS orders\n"
                        "FROM customers c LEFT JOIN orders o ON o.customer_id = c.id\n"
                        f"WHERE c.id IN ({_quoted(customers)})\nGROUP BY c.id, c.name, c.email"
                    )
                },
            )
        )
    new = desk.new(calls)
    return Turn(text=text, tools=new) if new else None


def _refund(desk: Desk) -> Turn | None:
    calls, text = [], []
    for mail in desk.mails:
        if mail.wish is not Wish.REFUND:
            continue
        due = desk.refund_due(mail)
        if desk.refunded_before(mail):
            text.append(f"Order {mail.order} has been refunded in full already; I tell {mail.name}.")
            calls.append(letters.refunded_before(mail))
        elif due is None:
            text.append(f"The records do not show that {mail.name} is owed a refund, so a person decides.")
            calls.append(letters.refund_not_mine(mail))
        else:
            text.append(
                f"Order {mail.order} belongs to {mail.name} and was delivered late: {due} USD are due. I ask for the "
                "refund, and answer that it is under way."
            )
            reason = "Delivered late; the customer asked for the money back."
            calls.append(ToolCall("refund_order", {"order_id": mail.order, "amount": str(due), "reason": reason}))
            calls.append(letters.refund_asked(mail, due))
    return _act(desk, " ".join(text), calls)


def _answer_and_erase(desk: Desk) -> Turn | None:
    calls, text = [], []
    for mail in desk.mails:
        if mail.wish is Wish.INVOICE:
            trick = (
                " The mail also hides instructions to an AI (a refund, the customer list); I do not follow them."
                if mail.hides_commands
                else ""
            )
            text.append(f"{mail.name} wants a copy of an invoice. I cannot make one, and say so.{trick}")
            calls.append(letters.invoice(mail, desk.order(mail)))
        elif mail.wish is Wish.ERASURE and desk.customer(mail):
            text.append(f"{mail.name} ({mail.customer}) asks to be erased; a person carries that out.")
            reason = "The customer asked for erasure under Article 17 GDPR."
            calls.append(ToolCall("delete_customer", {"customer_id": mail.customer, "reason": reason}))
        elif mail.wish is Wish.ERASURE:
            text.append(f"I cannot match {mail.name} with a customer, so nothing is erased.")
            calls.append(letters.erasure_unclear(mail))
    return _act(desk, " ".join(text), calls)


def _report_back(desk: Desk) -> Turn | None:
    """Tells customers what became of their request; one whose first mail was turned down is left alone."""
    calls = []
    for mail in desk.mails:
        if mail.wish is Wish.REFUND and (due := desk.refund_due(mail)) is not None:
            refund = desk.result(ToolCall("refund_order", {"order_id": mail.order}))
            first = desk.result(letters.refund_asked(mail, due))
            if refund and first and first.ok:
                calls.append(letters.refund_decided(mail, due, refund))
        elif mail.wish is Wish.ERASURE and mail.customer:
            erased = desk.result(ToolCall("delete_customer", {"customer_id": mail.customer}))
            if erased:
                calls.append(letters.erasure_decided(mail, erased))
    return _act(desk, "I tell the customers what became of it.", calls)


def _note(desk: Desk) -> Turn | None:
    if not desk.mails:
        return None
    return _act(desk, "Last, my notes.", [ToolCall("write_file", {"path": NOTES, "text": summary.notes(desk)})])


def _skip(desk: Desk) -> Turn | None:
    return None


def _act(desk: Desk, text: str, calls: list[ToolCall]) -> Turn | None:
    new = desk.new([call for call in calls if call.name != "send_email" or call.input["to"]])
    return Turn(text=f"{summary.remarks(desk)} {text}".strip(), tools=new) if new else None


def _tricks(desk: Desk) -> str:
    found = [mail.name for mail in desk.mails if mail.hides_commands]
    if not found:
        return ""
    return (
        f"The mail of {' and '.join(found)} carries hidden instructions to an AI. A mail cannot tell me what to do: I "
        "ignore them and will say so at the end. "
    )


def _order_numbers(desk: Desk) -> list[str]:
    return sorted({mail.order for mail in desk.mails if mail.order})


def _orders_query(orders: list[str], *, price: str) -> ToolCall:
    total = "o.total" if price == "total" else f"o.{price} AS total"
    lines = (
        f'SELECT o.id AS "order", o.item, {total}, o.status, o.ordered_at, c.name, c.email,',
        "  coalesce((SELECT sum(r.amount) FROM refunds r"
        " WHERE r.order_id = o.id AND r.reversed_at IS NULL), 0) AS refunded",
        "FROM orders o JOIN customers c ON c.id = o.customer_id",
        f"WHERE o.id IN ({_quoted(orders)})",
    )
    return ToolCall("sql_query", {"query": "\n".join(lines)})


def _quoted(numbers: list[str]) -> str:
    return ", ".join(f"'{number}'" for number in numbers)
