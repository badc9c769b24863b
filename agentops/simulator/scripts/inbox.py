"""A customer's mail as the support desk understands it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from .results import one_line

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
ORDER = re.compile(r"\bA-\d{1,8}\b", re.ASCII)
CUSTOMER = re.compile(r"\bC-\d{1,8}\b", re.ASCII)
HIDDEN = re.compile(r"^\[[^\n]*hides[^\n]*\]$", re.MULTILINE)
COMMAND = re.compile(r"\b(?:AI assistant|AI agent|language model)\b|ignore (?:all|your|previous)", re.IGNORECASE)


class Wish(Enum):
    """What a mail asks for; the first whose words stand in it."""

    ERASURE = re.compile(r"\beras|\bGDPR\b|delete (?:all )?my", re.IGNORECASE)
    REFUND = re.compile(r"money back|\brefund", re.IGNORECASE)
    INVOICE = re.compile(r"\binvoice|\breceipt", re.IGNORECASE)
    THANKS = re.compile(r"\bthank", re.IGNORECASE)
    OTHER = re.compile("")


@dataclass(frozen=True, slots=True)
class Mail:
    path: str
    name: str
    address: str
    subject: str
    wish: Wish
    order: str
    """"" when it names none; the customer's number likewise."""
    customer: str
    hides_commands: bool


def read(path: str, text: str) -> Mail:
    """What is hidden in a mail says nothing about what its sender wants."""
    hidden = HIDDEN.search(text)
    shown = text[: hidden.start()] if hidden else text
    head, _, body = shown.partition("\n\n")
    sender = _header(head, "From")
    address = ADDRESS.search(_header(head, "Reply-To") or sender)
    order, customer = ORDER.search(shown), CUSTOMER.search(shown)
    subject = _header(head, "Subject") or "your mail"
    return Mail(
        path=path,
        name=one_line(sender.partition("<")[0].strip(' "'), 60) or "customer",
        address=address[0] if address else "",
        subject=subject,
        wish=next(wish for wish in Wish if wish.value.search(f"{subject}\n{body}")),
        order=order[0] if order else "",
        customer=customer[0] if customer else "",
        hides_commands=bool(COMMAND.search(text)),
    )


def _header(head: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]*([^\n]*)$", head, re.MULTILINE)
    return one_line("".join(char if char.isprintable() else " " for char in match[1]), 120) if match else ""
