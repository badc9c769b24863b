"""The demo's database analyst: looks at what there is, asks for the figures, answers with a table and charts."""

from __future__ import annotations

import json
import re
from typing import Any

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall, Turn

from . import results, typed
from .desk import money
from .results import Deed, one_line

PERIOD = re.compile(r"^period: *(?:the )?last (\d{1,3}) days", re.IGNORECASE | re.MULTILINE)
LATEST = "(SELECT max(ordered_at) FROM orders)"

EXTENT = "SELECT count(*) AS orders, min(ordered_at)::date AS first, max(ordered_at)::date AS last FROM orders"
ITEMS = """SELECT o.item, count(*) AS orders, sum(o.total) AS revenue,
  count(*) FILTER (WHERE o.status = 'delivered late') AS late,
  coalesce(sum(r.amount), 0) AS refunded
FROM orders o LEFT JOIN (
  SELECT order_id, sum(amount) AS amount FROM refunds WHERE reversed_at IS NULL GROUP BY order_id
) r ON r.order_id = o.id
{where}GROUP BY o.item ORDER BY revenue DESC"""
DAYS = """SELECT to_char(o.ordered_at, 'DD Mon') AS day, sum(o.total) AS revenue
FROM orders o {where}GROUP BY o.ordered_at::date, 1 ORDER BY o.ordered_at::date"""


def matches(request: Request) -> bool:
    return "sql_query" in request.tool_names and "database analyst" in request.system.lower()


def turn(request: Request) -> Turn:
    asked = [deed for deed in results.deeds(request) if deed.call.name == "sql_query"]
    if not asked:
        return Turn(
            thinking=(
                "Before I answer I want to know what the tables hold and how far back they go. Then the figures by "
                "item and by day, in SQL, so that I add up nothing myself."
            ),
            text="First I look at what there is.",
            tools=(ToolCall("sql_query", {"query": EXTENT}),),
        )
    if len(asked) == 1 and asked[0].result.ok:
        where = _where(request)
        queries = (ITEMS.format(where=where), DAYS.format(where=where))
        return Turn(
            text=f"{_extent(asked[0])} Now the figures by item and by day.",
            tools=tuple(ToolCall("sql_query", {"query": query}) for query in queries),
        )
    return Turn(text=closing(request))


def closing(request: Request) -> str:
    asked = [deed for deed in results.deeds(request) if deed.call.name == "sql_query"]
    failed = [deed.result.problem for deed in asked if not deed.result.ok]
    items = next((rows for deed in asked if (rows := deed.result.rows()) and "item" in rows[0]), [])
    days = next((rows for deed in asked if (rows := deed.result.rows()) and "day" in rows[0]), [])
    if not items:
        why = f" The database said: “{one_line(failed[0])}”" if failed else ""
        return f"I could not get the figures, so there is no answer.{why}"
    if wanted := typed.schema(request):
        return typed.answer(wanted, _known(items))
    parts = [_headline(items), _table(items), _chart("bar", "Revenue by item", "USD", items, "item")]
    if days:
        parts.append(_chart("line", "Revenue by day", "USD", days, "day"))
    parts.append(
        f"**How I got this.** {_period(request)} Revenue is the sum of order totals, before refunds; nothing was "
        "changed in the database. The queries stand in the steps above."
    )
    if failed:
        parts.append(f"One query failed, “{one_line(failed[0])}”, so a part is missing.")
    return "\n\n".join(parts)


def _known(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The finding under the names by which others may ask for it."""
    return {
        "summary": _headline(items).replace("**", ""),
        "orders": int(_sum(items, "orders")),
        "late_orders": int(_sum(items, "late")),
        "revenue_usd": round(_sum(items, "revenue"), 2),
        "refunded_usd": round(_sum(items, "refunded"), 2),
        "best_seller": str(items[0].get("item")),
        "items": [
            {
                "item": str(row.get("item")),
                "orders": int(_number(row.get("orders"))),
                "revenue_usd": _number(row.get("revenue")),
            }
            for row in items[:20]
        ],
    }


def _where(request: Request) -> str:
    days = PERIOD.search(request.goal())
    return f"WHERE o.ordered_at > {LATEST} - interval '{int(days[1])} days'\n" if days else ""


def _period(request: Request) -> str:
    days = PERIOD.search(request.goal())
    return f"The last {int(days[1])} days up to the newest order." if days else "All orders that there are."


def _extent(deed: Deed) -> str:
    row = next(iter(deed.result.rows()), {})
    return f"There are {row.get('orders')} orders, from {row.get('first')} to {row.get('last')}."


def _headline(items: list[dict[str, Any]]) -> str:
    total, orders, late = (_sum(items, name) for name in ("revenue", "orders", "late"))
    best = items[0]
    share = 100 * _number(best.get("revenue")) / total if total else 0
    return (
        f"{orders:,.0f} orders brought **{total:,.2f} USD**. The best seller is **{best.get('item')}** with "
        f"{share:.0f} % of it. {late:,.0f} orders ({100 * late / orders if orders else 0:.0f} %) were delivered late."
    )


def _table(items: list[dict[str, Any]]) -> str:
    lines = ["| Item | Orders | Revenue, USD | Late | Refunded, USD |", "|---|--:|--:|--:|--:|"]
    for row in items[:20]:
        cells = [row.get(name) for name in ("item", "orders", "revenue", "late", "refunded")]
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


def _chart(kind: str, title: str, unit: str, rows: list[dict[str, Any]], label: str) -> str:
    drawing = {
        "type": kind,
        "title": title,
        "unit": unit,
        "labels": [str(row.get(label)) for row in rows],
        "values": [_number(row.get("revenue")) for row in rows],
    }
    return f"```chart\n{json.dumps(drawing, ensure_ascii=False)}\n```"


def _sum(rows: list[dict[str, Any]], name: str) -> float:
    return sum(_number(row.get(name)) for row in rows)


def _number(value: Any) -> float:
    return float(money(value) or 0)
