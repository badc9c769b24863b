"""A step of the operations lead's plan, its own or one that a person added: it uses the tools that it was given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall, Turn

from . import analyst, desk, lead_words, results
from .desk import Desk
from .lead_plan import PERIOD
from .results import Deed

LARGER = "This is one step of a larger task"
GIVEN = re.compile(r"^(?:Result of the step “(.*)”:\n|An earlier try of this step failed:)", re.MULTILINE)
NAMED_FILE = re.compile(r"\b[\w-]+(?:/[\w.-]+)*\.(?:md|txt|csv)\b")
LAST_TURN = 8
"""Whatever the results were, the answer comes then."""

FIGURES: dict[str, Any] = {
    "type": "object",
    "required": ["summary", "orders", "late_orders", "revenue_usd", "best_seller", "items"],
    "properties": {
        "summary": {"type": "string"},
        "orders": {"type": "integer"},
        "late_orders": {"type": "integer"},
        "revenue_usd": {"type": "number"},
        "best_seller": {"type": "string"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["item", "revenue_usd"],
                "properties": {
                    "item": {"type": "string"},
                    "orders": {"type": "integer"},
                    "revenue_usd": {"type": "number"},
                },
            },
        },
    },
}
"""What it wants of the analyst: numbers to rely on."""
LATE = """SELECT o.id AS "order", o.item, o.total, o.ordered_at::date AS ordered
FROM orders o
WHERE o.status = 'delivered late'
  AND NOT EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id AND r.reversed_at IS NULL)
ORDER BY o.ordered_at DESC"""
REFUNDS = """SELECT r.order_id AS "order", r.amount, r.reason, r.refunded_at::date AS refunded
FROM refunds r WHERE r.reversed_at IS NULL ORDER BY r.refunded_at DESC LIMIT 20"""
CUSTOMERS = """SELECT count(*) AS customers, count(*) FILTER (WHERE c.created_at > now() - interval '90 days') AS new,
  (SELECT count(DISTINCT o.customer_id) FROM orders o) AS with_orders
FROM customers c"""


@dataclass(frozen=True)
class Task:
    instruction: str
    given: dict[str, str]
    """Results of the steps before, by title."""
    tools: set[str]
    agents: list[str]
    """To whom it may hand work."""
    desk: Desk = field(repr=False)

    def may(self, tool: str) -> bool:
        """It has the tool and has not used it."""
        return tool in self.tools and not self.desk.of(tool)

    def says(self, *words: str) -> bool:
        return any(re.search(rf"\b{word}", self.instruction, re.IGNORECASE) for word in words)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return next((deed.result.rows() for deed in self.desk.of("sql_query") if deed.result.ok), [])

    @property
    def failed(self) -> list[Deed]:
        return [deed for deed in self.desk.deeds if not deed.result.ok]


def turn(request: Request) -> Turn:
    task = read(request)
    if request.turn_number < LAST_TURN:
        for move in (_hand_over, _look, _read_files, _query, _ask, _write):
            if found := move(task):
                return found
    return Turn(text=lead_words.answer(task))


def closing(request: Request) -> str:
    return lead_words.answer(read(request))


def read(request: Request) -> Task:
    said = request.goal().removeprefix("Your goal: ")
    own, _, more = said.partition(f"\n\n{LARGER}")
    pieces = GIVEN.split(more)
    given = {title: _unmarked(text) for title, text in zip(pieces[1::2], pieces[2::2], strict=True) if title}
    offered: dict[str, Any] = next((tool["input_schema"] for tool in request.tools if tool["name"] == "delegate"), {})
    agents = ((offered.get("properties") or {}).get("agent") or {}).get("enum") or []
    return Task(own.partition("\n\nInputs:")[0], given, request.tool_names, list(agents), desk.open_desk(request))


def _hand_over(task: Task) -> Turn | None:
    if not task.may("delegate") or not task.agents:
        return None
    named = [agent for agent in task.agents if agent in _hyphened(task.instruction)]
    agent = (named or task.agents)[0]
    wanted: dict[str, Any] = {"agent": agent, "goal": task.instruction}
    if "analyst" in agent:
        period = PERIOD.search(task.instruction)
        known = period and period[1] in ("7", "14")
        wanted |= {"inputs": {"period": f"last {period[1]} days" if period and known else "all orders"}}
        wanted |= {"goal": "What was sold, for how much, and what came late?", "answer_schema": FIGURES}
    return Turn(text=f"This is for {agent}.", tools=(ToolCall("delegate", wanted),))


def _look(task: Task) -> Turn | None:
    if not task.may("list_files"):
        return None
    folder = "inbox" if task.says("inbox", "mails?") else "."
    return Turn(text="I look which files there are.", tools=(ToolCall("list_files", {"path": folder}),))


def _read_files(task: Task) -> Turn | None:
    if "read_file" not in task.tools:
        return None
    paths = task.desk.paths or NAMED_FILE.findall(task.instruction)
    calls = task.desk.new([ToolCall("read_file", {"path": path}) for path in paths[: desk.MOST_MAILS]])
    return Turn(text="I read them all before I say anything.", tools=calls) if calls else None


def _query(task: Task) -> Turn | None:
    if not task.may("sql_query"):
        return None
    days = PERIOD.search(task.instruction)
    where = f"WHERE o.ordered_at > {analyst.LATEST} - interval '{int(days[1])} days'\n" if days else ""
    query = analyst.ITEMS.format(where=where)
    for words, other in ((("late",), LATE), (("refund",), REFUNDS), (("customers?",), CUSTOMERS)):
        if task.says(*words) and not task.says("sold", "revenue"):
            query = other
            break
    return Turn(text="I look it up.", tools=(ToolCall("sql_query", {"query": query}),))


def _ask(task: Task) -> Turn | None:
    if not task.may("ask_human") or not task.says("ask", "person", "decide"):
        return None
    question = results.one_line(task.instruction, 500)
    context = "\n\n".join(f"{title}:\n{text[:800]}" for title, text in task.given.items())
    call = ToolCall("ask_human", {"question": question, **({"context": context[:4000]} if context else {})})
    return Turn(text="This is for a person to say.", tools=(call,))


def _write(task: Task) -> Turn | None:
    if not task.may("write_file"):
        return None
    named = NAMED_FILE.search(task.instruction)
    path = named[0] if named else "notes/step.md"
    call = ToolCall("write_file", {"path": path, "text": lead_words.answer(task) + "\n"})
    return Turn(text=f"I write it to {path}.", tools=(call,))


def _unmarked(text: str) -> str:
    found = results.WRAPPED.search(text)
    return (found[1] if found else text).strip()


def _hyphened(text: str) -> str:
    return text.lower().replace(" ", "-")
