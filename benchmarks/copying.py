"""Many rows at once: COPY for those that Python makes up, INSERT … SELECT for those that follow from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Field, GeneratedField, Model


def copy(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Rows by attribute name (`team_id`); what a row leaves out is the field's default.

    Nothing may ask the database for `rows` meanwhile: the connection is busy.
    """
    fields = _fields(model)
    names = [(field, field.attname) for field in fields]
    with connection.cursor() as cursor, cursor.copy(f"COPY {_into(model, fields)} FROM STDIN") as out:
        for row in rows:
            out.write_row([_value(field, row[name] if name in row else field.get_default()) for field, name in names])


def fill(model: type[Model], columns: dict[str, str], source: str) -> None:
    """`columns`: SQL expressions over `source` by column; the others take the field's default."""
    fields = [field for field in _fields(model) if field.column in columns or not field.primary_key]
    values, given = [], []
    for field in fields:
        values.append(columns.get(field.column, "%s"))
        if field.column not in columns:
            given.append(_value(field, field.get_default()))
    with connection.cursor() as cursor:
        sql = f"INSERT INTO {_into(model, fields)} SELECT {', '.join(values)} FROM {source}"
        cursor.execute(sql, given)


@contextmanager
def bare(*models: type[Model]) -> Iterator[None]:
    """Without foreign keys, indexes and triggers meanwhile: made anew at the end, which is many times faster."""
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute(CONSTRAINTS, [tables])
        constraints = cursor.fetchall()
        cursor.execute(INDEXES, [tables])
        indexes = cursor.fetchall()
        for table, name, _ in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in constraints:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        cursor.execute("RESET maintenance_work_mem")


CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text = ANY(%s)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    own = [field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField)]
    return [field for field in own if not (field.primary_key and field.get_internal_type() == "BigAutoField")]


def _into(model: type[Model], fields: list[Field[Any, Any]]) -> str:
    return f"{model._meta.db_table} ({', '.join(field.column for field in fields)})"


def _value(field: Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
