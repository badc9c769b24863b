"""The SQL tool reads its own schema and can do nothing else."""

from __future__ import annotations

import psycopg
import pytest

from agentops.core.tools import ToolResult
from agentops.tools.builtin import sql_query as module
from agentops.tools.builtin.sql_query import sql_query
from tests.tools.contexts import context
from tests.tools.databases import reader_dsn, shop_dsn  # noqa: F401


@pytest.fixture
def dsn(reader_dsn: str) -> str:  # noqa: F811
    return reader_dsn


async def ask(dsn: str, query: str) -> ToolResult:
    return await sql_query.run(sql_query.validate({"query": query}), context(sql_dsn=dsn))


async def test_rows_come_back_as_json(dsn: str) -> None:
    result = await ask(dsn, "SELECT id, customer_id, total, status FROM orders WHERE id = 'A-1042'")
    assert result.data == [{"id": "A-1042", "customer_id": "C-2041", "total": "129.00", "status": "delivered late"}]
    assert result.summary == "1 row"
    assert not result.untrusted_source


async def test_odd_values_and_columns_of_one_name_come_through(dsn: str) -> None:
    result = await ask(
        dsn,
        "SELECT 1 AS a, 2 AS a, 'infinity'::timestamptz AS t, 'NaN'::float8 AS f, NULL AS n,"
        " '{\"k\": [1]}'::jsonb AS j, '\\x00ff'::bytea AS b, ARRAY[1.5, 2] AS l,"
        " repeat('x', 9000) AS long, '100%' AS p",
    )
    row = result.data[0]
    assert (row["a"], row["a_2"], row["t"], row["f"], row["n"]) == (1, 2, "infinity", "NaN", None)
    assert (row["j"], row["b"], row["l"], row["p"]) == ({"k": [1]}, "\\x00ff", ["1.5", "2"], "100%")
    assert len(row["long"]) < 2100


async def test_rows_are_capped(dsn: str) -> None:
    result = await ask(dsn, "SELECT generate_series(1, 100000000) AS n")
    assert len(result.data) == module.MAX_ROWS
    assert result.truncated
    assert "LIMIT" in result.hint


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO customers VALUES ('C-1', 'x', 'x@example.com', now())",
        "UPDATE orders SET total = 1",
        "DELETE FROM refunds",
        "WITH gone AS (DELETE FROM refunds RETURNING id) SELECT * FROM gone",
        "DROP TABLE orders",
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "SELECT * INTO mine FROM orders",
        "COPY orders TO PROGRAM 'cat > /dev/null'",
        "COPY orders TO '/dev/null'",
        "COPY orders FROM PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "DO $$ BEGIN DELETE FROM shop.refunds; END $$",
        "SET default_transaction_read_only = off",
        "SET ROLE postgres",
        "ALTER ROLE CURRENT_USER SET default_transaction_read_only = off",
        "SELECT 1; DELETE FROM refunds",
        "COMMIT; DELETE FROM refunds",
        "SELECT 1; SELECT 2",
        "GRANT ALL ON orders TO PUBLIC",
        "LISTEN x",
        "",
        ";",
    ],
)
async def test_what_does_more_than_read_is_refused(dsn: str, shop_dsn: str, query: str) -> None:  # noqa: F811
    before = _contents(shop_dsn)
    result = await sql_query.run({"query": query}, context(sql_dsn=dsn))
    assert result.status == "error", result
    assert result.error
    assert _contents(shop_dsn) == before


async def test_a_writing_role_could_not_write_either(shop_dsn: str) -> None:  # noqa: F811
    result = await ask(shop_dsn, "DELETE FROM shop.refunds RETURNING id")
    assert "can only read" in result.error


async def test_no_other_schema_or_database_can_be_read(dsn: str, shop_dsn: str) -> None:  # noqa: F811
    with psycopg.connect(shop_dsn) as owner:
        owner.execute("CREATE SCHEMA private")
        owner.execute("CREATE TABLE private.auth_user AS SELECT 'hash' AS password")
    try:
        assert "permission denied" in (await ask(dsn, "SELECT * FROM private.auth_user")).error
    finally:
        with psycopg.connect(shop_dsn) as owner:
            owner.execute("DROP SCHEMA private CASCADE")
    elsewhere = psycopg.conninfo.make_conninfo(dsn, dbname="agentops")
    assert "cannot be reached" in (await ask(elsewhere, "SELECT 1")).error
    assert "permission denied" in (await ask(dsn, "SELECT * FROM pg_authid")).error


async def test_a_slow_query_is_stopped_and_its_connection_closed(
    dsn: str,
    shop_dsn: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SESSION", ("default_transaction_read_only=on", "statement_timeout=50"))
    result = await ask(dsn, "SELECT pg_sleep(60)")
    assert result.status == "error"
    assert "stopped" in result.error
    with psycopg.connect(shop_dsn) as owner:
        reader = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
        for _ in range(10_000):
            left = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [reader]).fetchone()
            if left == (0,):
                break
    assert left == (0,)


@pytest.mark.parametrize(
    ("query", "error", "hint"),
    [
        ("SELECT * FROM order", "syntax error", ""),
        ("SELECT totl FROM orders", "totl", "orders.total"),
        ("SELECT * FROM purchases", "purchases", "orders(id, customer_id, item, total, status, ordered_at)"),
        ("SELECT 1/0", "division by zero", ""),
    ],
)
async def test_mistakes_come_back_with_what_helps(dsn: str, query: str, error: str, hint: str) -> None:
    result = await sql_query.run({"query": query}, context(sql_dsn=dsn))
    assert result.status == "error"
    assert error in result.error
    assert hint in result.hint


async def test_without_a_database_it_says_what_is_missing() -> None:
    assert "sql_dsn" in (await ask("", "SELECT 1")).error


def _contents(shop_dsn: str) -> list[tuple[object, ...]]:  # noqa: F811
    with psycopg.connect(shop_dsn) as owner:
        counts = "SELECT (SELECT count(*) FROM shop.customers), (SELECT sum(total) FROM shop.orders),"
        return owner.execute(counts + " (SELECT sum(amount) FROM shop.refunds)").fetchall()
