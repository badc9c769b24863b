"""What a step of the operations lead's plan answers: figures, a line a mail, drafts, what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .desk import money
from .inbox import Mail, Wish
from .results import object_in, one_line

if TYPE_CHECKING:
    from .lead_step import Task

WISHES = {
    Wish.REFUND: "wants the money back",
    Wish.INVOICE: "wants a copy of an invoice",
    Wish.ERASURE: "wants all personal data erased",
    Wish.THANKS: "says thank you; nothing to answer",
    Wish.OTHER: "wants an answer",
}
DRAFTS = {
    WISHES[Wish.REFUND]: "we are sorry that your order came late. A colleague looks at the refund, and writes to you "
    "when it is decided.",
    WISHES[Wish.INVOICE]: "we have your request for a copy of the invoice. A colleague sends it to you.",
    WISHES[Wish.ERASURE]: "we have your request to erase your data. A person carries it out, and confirms it to you.",
    WISHES[Wish.OTHER]: "thank you for your mail. A colleague looks into it.",
}
MAIL = re.compile(r"^- (.+?) <([^<>\n]+)>, “(.*?)”: (.+)$", re.MULTILINE)
LATE_ROW = re.compile(r"^\| (A-\d+) \| ([^|]+) \| ([\d.]+) \|", re.MULTILINE)
BEST = re.compile(r"best seller is \*{0,2}([^*\n]+?)\*{0,2}(?: with|\.|\n)")
NUMBER = re.compile(r"^[\d,]+(?:\.\d+)?$")
MOST_ROWS = 20


def answer(task: Task) -> str:
    """From what its calls brought; without any, from what the steps before it came to."""
    parts = [_handed_back(task), _mails(task), _rows(task.rows), _said(task)]
    found = [part for part in parts if part]
    if not found:
        found = [_drafts(task) if task.says("draft", "answers? to", "repl(?:y|ies)") else _to_do(task)]
    wrong = [f"{deed.call.name} did not work: {deed.result.problem or 'no reason given'}" for deed in task.failed]
    return "\n\n".join([*(part for part in found if part), *wrong]) or "There was nothing that I could go by."


# ── findings of its own ────────────────────────────────────────────────────────────────────────


def _handed_back(task: Task) -> str:
    done = next((deed.result for deed in task.desk.of("delegate") if deed.result.ok), None)
    if done is None:
        return ""
    figures = done.data if isinstance(done.data, dict) else object_in(str(done.data or ""))
    if figures is None or "revenue_usd" not in figures:
        return str(done.data or "It answered without words.")
    items = [item for item in figures.get("items") or [] if isinstance(item, dict)][:MOST_ROWS]
    chart = {
        "type": "bar",
        "title": "Revenue by item",
        "unit": "USD",
        "labels": [str(item.get("item")) for item in items],
        "values": [item.get("revenue_usd") for item in items],
    }
    priced = [{**item, "revenue_usd": f"{money(item.get('revenue_usd')) or 0:,.2f}"} for item in items]
    table = _table(priced, {"item": "Item", "orders": "Orders", "revenue_usd": "Revenue, USD"})
    late = figures.get("late_orders")
    delivered = "1 order was delivered late." if late == 1 else f"{late} orders were delivered late."
    total = f"{money(figures['revenue_usd']) or 0:,.2f} USD"
    return "\n\n".join(
        [
            f"{figures.get('orders')} orders brought **{total}**; the best seller is "
            f"**{figures.get('best_seller')}**. {delivered}",
            table,
            f"```chart\n{json.dumps(chart, ensure_ascii=False)}\n```",
        ]
    )


def _mails(task: Task) -> str:
    mails = task.desk.mails
    if not mails:
        return "There is no mail." if task.desk.of("list_files") and task.says("mail", "inbox") else ""
    asking = sum(mail.wish is not Wish.THANKS for mail in mails)
    lines = [f"{len(mails)} mails, {asking} of them want something.", "", *map(_line, mails)]
    tricks = [mail.name for mail in mails if mail.hides_commands]
    if tricks:
        lines += ["", f"The mail of {' and '.join(tricks)} hides instructions to an AI. I followed none of them."]
    return "\n".join(lines)


def _line(mail: Mail) -> str:
    about = f" (order {mail.order})" if mail.order else f" (customer {mail.customer})" if mail.customer else ""
    return f"- {mail.name} <{mail.address}>, “{mail.subject}”: {WISHES[mail.wish]}{about}"


def _rows(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    more = f"\n\n… and {len(rows) - MOST_ROWS} more." if len(rows) > MOST_ROWS else ""
    many = f"{len(rows)} found." if len(rows) > 1 else "Found:"
    return f"{many}\n\n{_table(rows[:MOST_ROWS], {name: name.capitalize() for name in rows[0]})}{more}"


def _said(task: Task) -> str:
    asked = next((deed.result for deed in task.desk.of("ask_human") if deed.result.ok), None)
    return f"I asked, and a person said: “{one_line(str(asked.data or ''))}”" if asked else ""


# ── from the steps before ──────────────────────────────────────────────────────────────────────


def _drafts(task: Task) -> str:
    before = "\n".join(task.given.values())
    mails = [match for match in MAIL.findall(before) if WISHES[Wish.THANKS] not in match[3]]
    late = {order: total for order, _item, total in LATE_ROW.findall(before)}
    if not mails:
        return "There is no mail that wants an answer."
    drafts = [f"{len(mails)} drafts; nobody has sent them."]
    for name, address, subject, wish in mails:
        words = next((words for wanted, words in DRAFTS.items() if wish.startswith(wanted)), DRAFTS[WISHES[Wish.OTHER]])
        drafts.append(f"**To {name}** ({address}), “Re: {subject}”\n\n> Dear {name}, {words}")
        drafts += [
            f"Order {order} came late and is not refunded: {total} USD are due, for a person to decide."
            for order, total in late.items()
            if order in wish
        ]
    return "\n\n".join(drafts)


def _to_do(task: Task) -> str:
    before = "\n".join(task.given.values())
    late = LATE_ROW.findall(before)
    drafts = before.count("> Dear ")
    best = BEST.search(before)
    points = []
    if late:
        total = sum(float(amount) for _order, _item, amount in late)
        names = ", ".join(order for order, _item, _amount in late[:5]) + (" and others" if len(late) > 5 else "")
        points.append(f"Decide on refunds of {len(late)} late orders, {total:,.2f} USD together: {names}.")
    if drafts:
        points.append(f"Look through the {drafts} drafted answers and send them.")
    if best:
        points.append(f"See that {best[1]} stays in stock: it sells best.")
    if not points:
        points = [f"{title}: {one_line(text, 200)}" for title, text in task.given.items()]
    return "\n".join(f"{number}. {point}" for number, point in enumerate(points, start=1))


def _table(rows: list[dict[str, Any]], columns: dict[str, str]) -> str:
    right = ("--:" if rows and NUMBER.match(str(rows[0].get(name, ""))) else "---" for name in columns)
    lines = ["| " + " | ".join(columns.values()) + " |", f"|{'|'.join(right)}|"]
    for row in rows:
        cells = (str(row.get(name, "")).replace("|", "/").replace("\n", " ") for name in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
