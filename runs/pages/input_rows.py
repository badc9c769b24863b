"""The editor's rows of inputs: read from the form, moved about, and written as a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentops.core.errors import InvalidInput
from runs.inputs import KINDS, MOST, from_text, name_from

KIND_WORDS: dict[str, str | Promise] = {
    "text": _("Short text"),
    "long": _("Long text"),
    "number": _("Number"),
    "choice": _("One of several"),
    "yes_no": _("Yes or no"),
    "date": _("Date"),
}
PARTS = ("label", "name", "kind", "help", "choices", "default")


@dataclass
class Row:
    """As typed, valid or not."""

    number: int
    label: str = ""
    name: str = ""
    kind: str = "text"
    help: str = ""
    choices: str = ""
    default: str = ""
    required: bool = False
    focus: str = ""
    """What gets the focus after a button moved or added the row."""
    errors: dict[str, str] = field(default_factory=dict)

    def declared(self) -> dict[str, Any]:
        kind = self.kind if self.kind in KINDS else "text"
        one: dict[str, Any] = {
            "name": self.name.strip() or name_from(self.label),
            "label": self.label.strip(),
            "kind": self.kind,
            "required": self.required,
            "help": self.help.strip(),
            "choices": [line.strip() for line in self.choices.splitlines() if line.strip()],
        }
        given = from_text([{"name": "default", "kind": kind}], {"default": self.default.strip()})
        return one | {"default": given.get("default")}


def from_version(inputs: list[dict[str, Any]]) -> list[Row]:
    rows = []
    for number, one in enumerate(inputs, start=1):
        default = one["default"]
        text = ("yes" if default else "no") if isinstance(default, bool) else "" if default is None else str(default)
        values = {name: one[name] for name in ("label", "name", "kind", "help", "required")}
        rows.append(Row(number, choices="\n".join(one["choices"]), default=text, **values))
    return rows


def from_post(post: Mapping[str, str]) -> list[Row]:
    rows = []
    for number in range(1, MOST + 1):
        if f"input-{number}-kind" not in post:
            break
        values = {part: post.get(f"input-{number}-{part}", "") for part in PARTS}
        rows.append(Row(number, required=f"input-{number}-required" in post, **values))
    return rows


def changed(rows: list[Row], do: str) -> list[Row]:
    """`input-add`, or `input-2-up`, `-down`, `-remove`: what a button of the editor asks for."""
    rows = list(rows)
    number, _dash, verb = do.removeprefix("input-").partition("-")
    place = int(number) - 1 if number.isascii() and number.isdigit() and len(number) < 4 else -1
    if number == "add" and len(rows) < MOST:
        rows.append(Row(0, focus="label"))
    elif 0 <= place < len(rows):
        row = rows.pop(place)
        if verb in ("up", "down"):
            now = max(0, place - 1) if verb == "up" else min(len(rows), place + 1)
            # At either end the button that was pressed is off.
            row.focus = "down" if now == 0 else "up" if now == len(rows) else verb
            rows.insert(now, row)
    for number_now, row in enumerate(rows, start=1):
        row.number = number_now
    return rows


def blame(rows: list[Row], error: InvalidInput) -> bool:
    """Put a refusal such as `inputs.2.label` at its row. Whether there is one."""
    first, _dot, rest = error.field.partition(".")
    number, _dot, part = rest.partition(".")
    if first != "inputs" or not number.isdigit() or not 0 < int(number) <= len(rows):
        return False
    rows[int(number) - 1].errors[part if part in PARTS else "label"] = str(error)
    return True
