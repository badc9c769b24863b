"""Reads the deployment's own data by SQL, one statement, as a role that may only read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, cast

import psycopg
from psycopg.types.string import TextLoader
from pydantic import Field

from agentops.core.tools import ToolContext, ToolResult
from agentops.tools.errors import ToolError
from agentops.tools.escape import shorten
from agentops.tools.registry import tool

MAX_ROWS = 200
MAX_CELL = 2_000
STATEMENT_TIMEOUT_MS = 5_000

# Read as PostgreSQL writes them: Python has no infinite dates, and decimals go to JSON as text anyway.
_AS_TEXT = (
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
    *("numeric", "uuid", "inet", "cidr", "bytea"),
)

_SESSION = ("default_transaction_read_only=on", f"statement_timeout={STATEMENT_TIMEOUT_MS}", "TimeZone=UTC")

_COLUMNS = """
    SELECT string_agg(name || '(' || columns || ')', ', ' ORDER BY name) FROM (
        SELECT table_name AS name, string_agg(column_name, ', ' ORDER BY ordinal_position) AS columns
        FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false)) GROUP BY 1 LIMIT 50
    ) AS tables
"""


def _effect(arguments: dict[str, Any]) -> str:
    return f"Query: {shorten(' '.join(str(arguments['query']).split()), 300)}"


@tool(
    reads_only=True,
    effect=_effect,
    timeout=15,
    hint="The dialect is PostgreSQL. Ask for the columns and rows you need.",
)
async def sql_query(
    context: ToolContext,
    query: Annotated[str, Field(min_length=1, max_length=20_000, description="One statement that reads.")],
) -> ToolResult:
    """Read from the database with one SQL statement; nothing can be changed. At most 200 rows come back.

    The rows are your own organisation's records.
    """
    dsn = context.settings.get("sql_dsn")
    if not dsn:
        raise ToolError(
            "There is no database to query: the setting `sql_dsn` is empty.",
            "Tell a person; do not try again.",
        )
    try:
        connection = await psycopg.AsyncConnection.connect(
            dsn,
            connect_timeout=5,
            options=" ".join(f"-c {setting}" for setting in _SESSION),
        )
    except psycopg.OperationalError as error:
        raise ToolError("The database cannot be reached.", "Try again later, or tell a person.") from error
    try:
        await connection.set_read_only(True)
        for type_name in _AS_TEXT:
            connection.adapters.register_loader(type_name, TextLoader)
        return await _ask(connection, query)
    except psycopg.Error as error:
        raise ToolError(_message(error), await _hint(connection, error)) from None
    finally:
        await connection.close()


async def _ask(connection: psycopg.AsyncConnection, query: str) -> ToolResult:
    rows: list[dict[str, Any]] = []
    cut = False
    # `stream` uses the extended protocol, which takes one statement only, and holds no more than a row.
    async with connection.cursor() as cursor:
        answer = cast("AsyncGenerator[tuple[Any, ...]]", cursor.stream(query.encode()))
        async with aclosing(answer):
            async for row in answer:
                if len(rows) == MAX_ROWS:
                    cut = True
                    break
                rows.append(dict(zip(_names(cursor), map(_cell, row), strict=True)))
    count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    return ToolResult(
        "ok",
        data=rows,
        summary=f"the first {count}" if cut else count,
        truncated=cut,
        hint="There are more rows; count or aggregate in SQL, or use LIMIT and OFFSET." if cut else "",
    )


def _names(cursor: psycopg.AsyncCursor[Any]) -> list[str]:
    """Column names, made different where the query gives one twice."""
    names: list[str] = []
    for column in cursor.description or ():
        again = sum(name == column.name or name.startswith(f"{column.name}_") for name in names)
        names.append(f"{column.name}_{again + 1}" if column.name in names else column.name)
    return names


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    return shorten(str(value), MAX_CELL)


def _message(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return f"The query took longer than {STATEMENT_TIMEOUT_MS // 1000} s and was stopped."
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege):
        return f"Refused: {error.diag.message_primary}. This tool can only read."
    at = f" (at character {error.diag.statement_position})" if error.diag.statement_position else ""
    return f"The database refused the query: {error.diag.message_primary or error}{at}"


async def _hint(connection: psycopg.AsyncConnection, error: psycopg.Error) -> str:
    hint = error.diag.message_hint or ""
    if not isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return hint
    try:
        await connection.rollback()
        row = await (await connection.execute(_COLUMNS)).fetchone()
    except psycopg.Error:
        return hint
    tables = f"You can read: {row[0]}." if row and row[0] else ""
    return f"{hint} {tables}".strip()
