"""A run with its version and its agent, as `select_related` reads them, by a statement that is put together once.

Whenever a worker takes a run this comes first; the ORM would write the same hundred columns anew, and PostgreSQL plan
them anew, which is more than all the rest of the reading.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model

from .models import Agent, AgentVersion, Run
from .statements import first_row

PARTS: dict[str, type[Model]] = {"r": Run, "v": AgentVersion, "a": Agent}


def run_with_version(run_id: str) -> Run:
    """Raises Run.DoesNotExist."""
    row = first_row(_statement(), {"run": run_id})
    if row is None:
        raise Run.DoesNotExist
    run, version, agent = _made(row)
    run.version = version
    if version is not None:
        version.agent = agent
    return run  # type: ignore[no-any-return]


@cache
def _statement() -> str:
    columns = ", ".join(f'{name}."{field.column}"' for name, model in PARTS.items() for field in _fields(model))
    return f"""
        SELECT {columns} FROM runs_run r LEFT JOIN runs_agentversion v ON v.id = r.version_id
        LEFT JOIN runs_agent a ON a.id = v.agent_id WHERE r.id = %(run)s::uuid
    """  # noqa: S608 - of the models' own columns


@cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return list(model._meta.concrete_fields)


def _made(row: tuple[Any, ...]) -> list[Any]:
    """Of each part its object, None where it is not there."""
    made, at = [], 0
    for model in PARTS.values():
        fields = _fields(model)
        values = [
            field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
            for field, value in zip(fields, row[at:], strict=False)
        ]
        at += len(fields)
        there = values[0] is not None
        made.append(model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], values) if there else None)
    return made
