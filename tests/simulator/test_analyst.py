"""The database analyst answers with figures of the real demo shop, a table and charts that can be drawn."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import psycopg

from agentops.core.tools import ToolResult
from agentops.demo.agents import DATABASE_ANALYST
from agentops.templatetags.markdown import chart
from tests.tools.databases import reader_dsn, shop_dsn  # noqa: F401

from .talking import Talk


def charts_of(answer: str) -> list[str]:
    return re.findall(r"```chart\n(.*?)\n```", answer, re.DOTALL)


async def test_it_answers_with_a_table_and_charts(tmp_path: Path, reader_dsn: str) -> None:  # noqa: F811
    done = await Talk(DATABASE_ANALYST, tmp_path, {"sql_dsn": reader_dsn}).play()
    with psycopg.connect(reader_dsn) as shop:
        total, late = shop.execute(
            "SELECT sum(total), count(*) FILTER (WHERE status = 'delivered late') FROM orders"
        ).fetchone() or (Decimal(0), 0)
    assert f"**{total:,.2f} USD**" in done.answer
    assert f"{late} orders" in done.answer
    assert done.answer.count("\n| ") == 12  # the head and eleven items
    assert len(charts_of(done.answer)) == 2
    assert all(chart(block) for block in charts_of(done.answer))


async def test_the_period_narrows_the_figures(tmp_path: Path, reader_dsn: str) -> None:  # noqa: F811
    goal = f"{DATABASE_ANALYST.example_goal}\n\nInputs:\nperiod: last 7 days"
    done = await Talk(DATABASE_ANALYST, tmp_path, {"sql_dsn": reader_dsn}, goal=goal).play()
    assert "interval '7 days'" in done.of("sql_query")[1].input["query"]
    assert "The last 7 days" in done.answer
    with psycopg.connect(reader_dsn) as shop:
        query = (
            "SELECT count(*) FROM orders WHERE ordered_at > (SELECT max(ordered_at) FROM orders) - interval '7 days'"
        )
        count = shop.execute(query).fetchone()
    assert count and done.answer.startswith(f"{count[0]} orders")


async def test_it_makes_no_figures_up(tmp_path: Path) -> None:
    broken = ToolResult("error", error="The database cannot be reached.", hint="Try again later.")
    done = await Talk(DATABASE_ANALYST, tmp_path, outcomes={"sql_query": broken}).play()
    assert "could not get the figures" in done.answer and "cannot be reached" in done.answer
    assert len(done.of("sql_query")) == 1


async def test_odd_results_end_in_an_answer(tmp_path: Path) -> None:
    for data in (None, [], "text", [{"item": "a|b", "revenue": "NaN"}], [{"item": None}], [1, 2], {"item": 1}):
        done = await Talk(DATABASE_ANALYST, tmp_path, outcomes={"sql_query": ToolResult("ok", data=data)}).play()
        assert done.answer
