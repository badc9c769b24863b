"""What the support desk says of its work: the line a mail in its notes, the remarks on the way, the last answer."""

from __future__ import annotations

from agentops.simulator.turns import ToolCall

from .desk import Desk
from .inbox import Mail, Wish
from .results import Deed

ACTIONS = ("refund_order", "delete_customer", "send_email")


def remarks(desk: Desk) -> str:
    """On what the turn before brought: money, data, and whatever did not happen."""
    actions = [deed for deed in desk.latest if deed.call.name in ACTIONS]
    return " ".join(_remark(deed) for deed in actions if deed.call.name != "send_email" or not deed.result.happened)


def notes(desk: Desk) -> str:
    lines = [_line(desk, mail) for mail in desk.mails]
    lines += [f"- {path}: could not be read or was too much for one run; left for a person." for path in desk.unread]
    return "\n".join(["# Inbox", "", *(lines or ["- No mail."]), ""])


def closing(desk: Desk) -> str:
    actions = [deed for deed in desk.deeds if deed.call.name in ACTIONS]
    done = [_done(deed) for deed in actions if deed.result.happened]
    refused = [f"{_label(deed.call)}: {_why(deed)}" for deed in actions if not deed.result.happened]
    left = [f"{mail.name}: {todo}" for mail in desk.mails if (todo := _left(desk, mail))]
    left += [f"{path}: I could not read it." for path in desk.unread]
    tricks = [
        f"The mail of {mail.name} hides instructions to an AI. I followed none of them."
        for mail in desk.mails
        if mail.hides_commands
    ]
    count = len(desk.mails)
    opening = (
        f"I worked through {count} mail{'' if count == 1 else 's'}. Actions done: {len(done)}, not done: "
        f"{len(refused)}; left for a person: {len(left)}."
        if count
        else _nothing(desk)
    )
    sections = [("Done", done), ("Not done", refused), ("Left for a person", left), ("Hidden instructions", tricks)]
    body = [f"**{title}**\n" + "\n".join(f"- {line}" for line in lines) for title, lines in sections if lines]
    written = desk.of("write_file")
    if written and not written[-1].result.happened:
        body.append(f"The notes could not be written: {_why(written[-1])}")
    return "\n\n".join([opening, *body])


def _nothing(desk: Desk) -> str:
    looked = desk.of("list_files")
    if looked and not looked[-1].result.ok:
        return f"I could not look into the inbox, so I did nothing: {looked[-1].result.problem or 'no reason given'}"
    return "There was no mail that I could read, so I did nothing."


def _line(desk: Desk, mail: Mail) -> str:
    done = [_done(deed) for deed in _about(desk, mail) if deed.result.happened]
    trick = " It hides instructions to an AI, which I did not follow." if mail.hides_commands else ""
    todo = _left(desk, mail)
    did = "; ".join(done) or "no action needed" if not todo or done else "nothing done"
    return f"- {mail.name} <{mail.address}>, “{mail.subject}”: {did}.{trick} Left: {todo or 'nothing.'}"


def _left(desk: Desk, mail: Mail) -> str:
    undone = [deed for deed in _about(desk, mail) if not deed.result.happened]
    todo = [f"{_label(deed.call)} ({_why(deed)})" for deed in undone]
    if mail.wish is Wish.INVOICE:
        todo.append("a copy of the invoice, which I have no tool to make")
    elif mail.wish is Wish.REFUND and desk.refund_due(mail) is None and not desk.refunded_before(mail):
        todo.append("whether a refund is due: the records do not show an unpaid late delivery to this customer")
    elif mail.wish is Wish.ERASURE and desk.customer(mail) is None:
        todo.append("whose data to erase: number and address do not match a customer")
    elif mail.wish is Wish.OTHER:
        todo.append("an answer")
    return "; ".join(todo) + "." if todo else ""


def _about(desk: Desk, mail: Mail) -> list[Deed]:
    def concerns(call: ToolCall) -> bool:
        return (
            (call.name == "refund_order" and call.input.get("order_id") == mail.order)
            or (call.name == "delete_customer" and call.input.get("customer_id") == mail.customer)
            or (call.name == "send_email" and call.input.get("to") == mail.address)
        )

    return [deed for deed in desk.deeds if concerns(deed.call)]


def _label(call: ToolCall) -> str:
    match call.name:
        case "refund_order":
            return f"Refund of {call.input.get('amount')} USD for order {call.input.get('order_id')}"
        case "delete_customer":
            return f"Deletion of customer {call.input.get('customer_id')}"
        case _:
            return f"Mail to {call.input.get('to')}, “{call.input.get('subject')}”"


def _done(deed: Deed) -> str:
    did, report = deed.done, deed.result.report
    match deed.call.name:
        case "refund_order":
            words = f"Refunded {did.get('amount')} USD for order {did.get('order_id')}"
        case "delete_customer":
            words = f"Customer {did.get('customer_id')} deleted"
        case _:
            words = f"Wrote to {did.get('to')}, “{did.get('subject')}”"
    changed = " (a person changed it before)" if deed.result.changed else ""
    return words + (f" (a person did it and reports: “{report}”)" if report else changed)


def _why(deed: Deed) -> str:
    result = deed.result
    if result.rejected:
        return f"rejected, “{result.reason}”" if result.reason else "rejected, without a reason"
    if result.expired:
        return "nobody decided in time"
    if result.unknown:
        return "unclear whether it happened; a person must check before anyone repeats it"
    if result.report:
        return f"a person reports: “{result.report}”"
    return f"it failed, “{result.problem}”" if result.problem else "it failed, without a reason"


def _remark(deed: Deed) -> str:
    label, result = _label(deed.call), deed.result
    if result.happened:
        return f"{_done(deed)}."
    if result.rejected:
        because = f" The reason: “{result.reason}”." if result.reason else ""
        return f"{label} was rejected.{because} I respect that, do not try it again, and go on."
    return f"{label} was not done: {_why(deed)}. I go on without it."
