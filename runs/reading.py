"""What a worker reads of a run that it takes, as the ORM reads it, by statements that are put together once.

The ORM would write the same hundred columns anew each time, and PostgreSQL plan them anew, which is more than all the
rest of the reading.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model

from .history import Part
from .models import Agent, AgentVersion, Run, Step, ToolCall
from .statements import all_rows, first_row

PARTS: dict[str, type[Model]] = {"r": Run, "v": AgentVersion, "a": Agent}


def run_with_version(run_id: str) -> Run:
    """With its agent, as `select_related` has them. Raises Run.DoesNotExist."""
    row = first_row(_statement(), {"run": run_id})
    if row is None:
        raise Run.DoesNotExist
    run, version, agent = _made(row)
    run.version = version
    if version is not None:
        version.agent = agent
    return run  # type: ignore[no-any-return]


def steps_of(parts: list[Part]) -> list[dict[str, Any]]:
    """What the conversation is made of, by number."""
    given = {"runs": [run_id for run_id, _ in parts], "before": [before for _, before in parts]}
    return [dict(zip(_STEP, _read(Step, _STEP, row), strict=True)) for row in all_rows(_steps(), given)]


def calls_of_step(step_id: int) -> list[ToolCall]:
    """In the order in which they were asked for; each with `now`, the database's time."""
    calls = []
    for *row, now in all_rows(_calls(), {"step": step_id}):
        call = _object(ToolCall, tuple(row))
        call.now = now
        calls.append(call)
    return calls


_STEP = ("id", "run_id", "number", "kind", "status", "input", "output", "stop_reason", "details", "input_tokens",
         "output_tokens")  # fmt: skip


@cache
def _statement() -> str:
    columns = ", ".join(f'{name}."{field.column}"' for name, model in PARTS.items() for field in _fields(model))
    return f"""
        SELECT {columns} FROM runs_run r LEFT JOIN runs_agentversion v ON v.id = r.version_id
        LEFT JOIN runs_agent a ON a.id = v.agent_id WHERE r.id = %(run)s::uuid
    """  # noqa: S608 - of the models' own columns


@cache
def _steps() -> str:
    return f"""
        SELECT {", ".join(f"s.{name}" for name in _STEP)}
        FROM unnest(%(runs)s::uuid[], %(before)s::bigint[]) AS part(run_id, before)
        JOIN runs_step s ON s.run_id = part.run_id AND (part.before IS NULL OR s.number < part.before)
        ORDER BY s.number
    """  # noqa: S608 - as above


@cache
def _calls() -> str:
    columns = ", ".join(f'c."{field.column}"' for field in _fields(ToolCall))
    return f"SELECT {columns}, now() FROM runs_toolcall c WHERE c.step_id = %(step)s::bigint ORDER BY c.position"  # noqa: S608


@cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return list(model._meta.concrete_fields)


def _made(row: tuple[Any, ...]) -> list[Any]:
    """Of each part its object, None where it is not there."""
    made, at = [], 0
    for model in PARTS.values():
        count = len(_fields(model))
        values = row[at : at + count]
        made.append(None if values[0] is None else _object(model, values))
        at += count
    return made


def _object(model: type[Model], row: tuple[Any, ...]) -> Any:
    names = tuple(field.attname for field in _fields(model))
    return model.from_db(DEFAULT_DB_ALIAS, names, _read(model, names, row))


def _read(model: type[Model], names: tuple[str, ...], row: tuple[Any, ...]) -> list[Any]:
    """What Python has for what the database gave."""
    readers = _readers(model, names)
    return [read(value, None, connection) if read else value for read, value in zip(readers, row, strict=True)]


@cache
def _readers(model: type[Model], names: tuple[str, ...]) -> list[Any]:
    fields = {field.attname: field for field in _fields(model)}
    return [getattr(fields[name], "from_db_value", None) for name in names]
