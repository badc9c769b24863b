"""What the support desk knows so far, read from its tool calls and their results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall

from . import inbox, results
from .inbox import Mail, Wish
from .results import Deed, Result

MOST_MAILS = 6
EML = re.compile(r"[\w./-]+\.eml\b")
IDENTITY = {
    "read_file": ("path",),
    "write_file": ("path",),
    "sql_query": ("query",),
    "send_email": ("to", "subject"),
    "refund_order": ("order_id",),
    "delete_customer": ("customer_id",),
}
"""The arguments by which two calls are the same deed, which is never asked for twice."""


@dataclass(frozen=True)
class Desk:
    deeds: list[Deed]
    latest: list[Deed]
    """Of the turn before this one."""

    @cached_property
    def paths(self) -> list[str]:
        """The mail files, as far as this agent reads."""
        found: dict[str, None] = {}
        for deed in self.of("list_files"):
            listed = deed.result.data if isinstance(deed.result.data, list) else [deed.result.data]
            for entry in listed:
                path = entry.get("path") if isinstance(entry, dict) else entry
                for match in EML.findall(str(path or "")):
                    found[match if "/" in match else f"inbox/{match}"] = None
        return list(found)

    @cached_property
    def unread(self) -> list[str]:
        """Files that could not be read, or are too many."""
        known = {mail.path for mail in self.mails}
        return [path for path in self.paths if path not in known]

    @cached_property
    def mails(self) -> list[Mail]:
        return [
            inbox.read(str(deed.call.input.get("path")), deed.result.text())
            for deed in self.of("read_file")
            if deed.result.ok and deed.result.text().strip()
        ]

    def of(self, tool: str) -> list[Deed]:
        return [deed for deed in self.deeds if deed.call.name == tool]

    def result(self, call: ToolCall) -> Result | None:
        """What came of this very deed; None when it was never asked for."""
        same = (deed.result for deed in self.deeds if identity(deed.call) == identity(call))
        return next(same, None)

    def new(self, calls: list[ToolCall]) -> tuple[ToolCall, ...]:
        """Of these calls those not made before, each once."""
        once = {identity(call): call for call in reversed(calls)}
        return tuple(call for call in reversed(once.values()) if self.result(call) is None)

    def order(self, mail: Mail) -> dict[str, Any] | None:
        """The order that the mail names, if its sender bought it."""
        return self._own(mail, "order", mail.order)

    def customer(self, mail: Mail) -> dict[str, Any] | None:
        """The customer that the mail names, if that is its sender."""
        return self._own(mail, "customer", mail.customer)

    def refund_due(self, mail: Mail) -> Decimal | None:
        """What is to be paid back for the order, or None where that is for a person to decide."""
        row = self.order(mail)
        if mail.wish is not Wish.REFUND or row is None or row.get("status") != "delivered late":
            return None
        total, refunded = money(row.get("total")), money(row.get("refunded", "0"))
        return total - refunded if total is not None and refunded is not None and total > refunded else None

    def refunded_before(self, mail: Mail) -> bool:
        row = self.order(mail) or {}
        total, refunded = money(row.get("total")), money(row.get("refunded"))
        return total is not None and refunded is not None and 0 < total <= refunded

    def _own(self, mail: Mail, key: str, number: str) -> dict[str, Any] | None:
        rows = (row for deed in self.of("sql_query") for row in deed.result.rows())
        for row in rows:
            mine = str(row.get("email", "")).casefold() == mail.address.casefold()
            if number and row.get(key) == number and mine:
                return row
        return None


def open_desk(request: Request) -> Desk:
    deeds = results.deeds(request)
    spoken = [message["content"] for message in request.messages if message["role"] == "assistant"]
    count = sum(block["type"] == "tool_use" for block in spoken[-1]) if spoken else 0
    return Desk(deeds, deeds[len(deeds) - count :])


def identity(call: ToolCall) -> tuple[str, ...]:
    return (call.name, *(str(call.input.get(name)) for name in IDENTITY.get(call.name, ())))


def money(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value))
        return amount.quantize(Decimal("0.01")) if amount.is_finite() else None
    except InvalidOperation:
        return None
