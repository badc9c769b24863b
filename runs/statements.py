"""Prepared statements on Django's own connection, past the ORM: of what happens in every step.

Parameters are named, `%(name)s`. A type that PostgreSQL cannot tell from where a parameter stands
is written beside it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import psycopg
from django.db import connection
from psycopg.types.numeric import Int8


def first_row(sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    rows = all_rows(sql, parameters)
    return rows[0] if rows else None


def all_rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Raises Django's own database errors, as all do who wait for the database to come back."""
    connection.ensure_connection()
    statement, names = _positional(sql)
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(statement, [_of_one_width(parameters[name]) for name in names], prepare=True)
        return cursor.fetchall() if cursor.description else []


def _of_one_width(value: Any) -> Any:
    """A number's size would choose its type, and each mixture of types be a statement of its own to prepare."""
    if type(value) is int:
        return Int8(value)
    return [_of_one_width(each) for each in value] if type(value) is list else value


@cache
def _positional(sql: str) -> tuple[str, list[str]]:
    """With PostgreSQL's own placeholders, and whose they are: psycopg would look for them anew each time."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    return re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql), names
