"""The editor's rows of success criteria: read from the form, added and removed, and written as a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentops.core.errors import InvalidInput
from runs.success import KINDS, MOST


@dataclass
class Row:
    """As typed, valid or not."""

    number: int
    kind: str
    question: str = ""
    expression: str = ""
    message: str = ""
    focus: bool = False
    """Added by a button just now."""
    error: str = ""

    def declared(self) -> dict[str, Any]:
        if self.kind == "judge":
            return {"kind": "judge", "question": self.question.strip()}
        return {"kind": "check", "expression": self.expression.strip(), "message": self.message.strip()}

    @property
    def empty(self) -> bool:
        return not (self.question + self.expression + self.message).strip()


def from_version(criteria: list[dict[str, Any]]) -> list[Row]:
    return [
        Row(number, one["kind"], one.get("question", ""), one.get("expression", ""), one.get("message", ""))
        for number, one in enumerate(criteria, start=1)
    ]


def from_post(post: Mapping[str, str]) -> list[Row]:
    rows = []
    for number in range(1, MOST + 1):
        kind = post.get(f"criterion-{number}-kind")
        if kind not in KINDS:
            break
        parts = (post.get(f"criterion-{number}-{part}", "") for part in ("question", "expression", "message"))
        rows.append(Row(number, kind, *(part.replace("\r\n", "\n") for part in parts)))
    return rows


def declared(rows: list[Row]) -> list[dict[str, Any]]:
    """One that nobody filled in is none."""
    return [row.declared() for row in rows if not row.empty]


def changed(rows: list[Row], do: str) -> list[Row]:
    """`criterion-add-judge`, `criterion-add-check`, `criterion-2-remove`: what a button of the editor asks for."""
    rows = list(rows)
    number, _dash, verb = do.removeprefix("criterion-").partition("-")
    place = int(number) - 1 if number.isascii() and number.isdigit() and len(number) < 4 else -1
    if number == "add" and verb in KINDS and len(rows) < MOST:
        rows.append(Row(0, verb, focus=True))
    elif verb == "remove" and 0 <= place < len(rows):
        rows.pop(place)
    for number_now, row in enumerate(rows, start=1):
        row.number = number_now
    return rows


def blame(rows: list[Row], error: InvalidInput) -> bool:
    """Put a refusal such as `success.2` at its row. Whether there is one."""
    first, _dot, number = error.field.partition(".")
    filled = [row for row in rows if not row.empty]
    if first != "success" or not number.isdigit() or int(number) >= len(filled):
        return False
    filled[int(number)].error = str(error)
    return True
