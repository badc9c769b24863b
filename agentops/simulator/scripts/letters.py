"""The mails that the support desk writes: short, kind, and true when they are sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentops.simulator.turns import ToolCall

from .inbox import Mail
from .results import Result


def refund_asked(mail: Mail, amount: Decimal) -> ToolCall:
    return _answer(
        mail,
        f"you are right: our records show that order {mail.order} was delivered late, and I am sorry for that. I have "
        f"asked for a refund of {amount} USD, and will write again as soon as it is decided.",
    )


def refund_decided(mail: Mail, amount: Decimal, result: Result) -> ToolCall:
    if result.happened:
        return _letter(
            mail,
            f"Your refund for order {mail.order}",
            f"the refund of {amount} USD for order {mail.order} has been made. Thank you for your patience.",
        )
    return _letter(
        mail,
        f"Your request about order {mail.order}",
        f"I could not make the refund for order {mail.order} myself, and have noted your case for a colleague. I am "
        "sorry that this takes longer.",
    )


def refunded_before(mail: Mail) -> ToolCall:
    return _answer(
        mail,
        f"our records show that order {mail.order} has been refunded in full already. Please write again if the money "
        "has not reached you.",
    )


def refund_not_mine(mail: Mail) -> ToolCall:
    return _answer(
        mail,
        "thank you for your mail. I cannot decide on this refund myself, so I have noted your request for a colleague.",
    )


def invoice(mail: Mail, order: dict[str, Any] | None) -> ToolCall:
    if order is None:
        return _answer(
            mail,
            "I could not find an order with that number under your address, so I cannot tell you more about it. I have "
            "noted your request for a colleague.",
        )
    return _answer(
        mail,
        f"I found your order {mail.order}: {order.get('item')}, {order.get('total')} USD, ordered on "
        f"{str(order.get('ordered_at'))[:10]}. I cannot make invoices myself, so no copy is attached; I have "
        "noted your request for a colleague.",
    )


def erasure_decided(mail: Mail, result: Result) -> ToolCall:
    if result.happened:
        return _answer(mail, f"your personal data (customer number {mail.customer}) has been erased, as you asked.")
    return _answer(
        mail,
        "we have received your request to erase your personal data. It has not been carried out yet; I have noted it "
        "for a colleague.",
    )


def erasure_unclear(mail: Mail) -> ToolCall:
    return _answer(
        mail,
        "we have received your request to erase your personal data. I found no customer with that number under your "
        "address, so nothing was erased. I have noted it for a colleague.",
    )


def _answer(mail: Mail, words: str) -> ToolCall:
    subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
    return _letter(mail, subject, words)


def _letter(mail: Mail, subject: str, words: str) -> ToolCall:
    body = f"Dear {mail.name},\n\n{words}\n\nKind regards\nSupport desk\n"
    return ToolCall("send_email", {"to": mail.address, "subject": subject, "body": body})
