"""An answer's data as people read them: names and values, lists, tables; what is nested too deep stays JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from agentops.templatetags.console import pretty
from agentops.tools.escape import visible
from runs.models import Run

DEEPEST = 4
MOST_ROWS = 100
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Value:
    """`kind`: text, long, data (as JSON), empty; group (rows of name and value), list (items), table."""

    kind: str
    text: str = ""
    rows: list[tuple[str, Value]] = field(default_factory=list)
    items: list[Value] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    cells: list[list[Value]] = field(default_factory=list)
    left_out: int = 0
    """Rows that only the JSON shows."""


def of(run: Run) -> Value | None:
    return None if run.answer_data is None else _value(run.answer_data, 0)


def _value(data: Any, depth: int) -> Value:
    if data in ({}, [], "", None) and not isinstance(data, bool | int | float):
        return Value("empty", _("nothing"))
    if not isinstance(data, dict | list):
        return _scalar(data)
    if depth >= DEEPEST:
        return Value("data", pretty(data))
    left_out = max(len(data) - MOST_ROWS, 0)
    if isinstance(data, dict):
        rows = [(name, _value(one, depth + 1)) for name, one in list(data.items())[:MOST_ROWS]]
        return Value("group", rows=rows, left_out=left_out)
    shown = data[:MOST_ROWS]
    if columns := _columns(shown):
        cells = [[_scalar(row[name]) if name in row else Value("empty") for name in columns] for row in shown]
        return Value("table", columns=columns, cells=cells, left_out=left_out)
    return Value("list", items=[_value(one, depth + 1) for one in shown], left_out=left_out)


def _columns(rows: list[Any]) -> list[str]:
    """Of a list of flat objects; none where a table would not be one."""
    if not all(isinstance(row, dict) and row for row in rows):
        return []
    if any(isinstance(value, dict | list) for row in rows for value in row.values()):
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names if len(names) <= MOST_COLUMNS else []


def _scalar(value: Any) -> Value:
    if value is None or value == "":
        return Value("empty", _("nothing"))
    if isinstance(value, bool):
        return Value("text", _("yes") if value else _("no"))
    text = visible(str(value), multiline=True)
    return Value("long" if "\n" in text or len(text) > 300 else "text", text)
