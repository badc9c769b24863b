"""What an agent asks for when a run starts: how it is declared, and what may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput

from .texts import check_text

Declared = dict[str, Any]
"""`name, label, kind, required, help, choices, default`, all of them."""

KINDS = ("text", "long", "number", "choice", "yes_no", "date")
MOST = 20
MOST_CHOICES = 50
MAX_TOTAL = 100_000
LONGEST = {"text": 1_000, "long": 50_000, "choice": 200}
LARGEST_NUMBER = 10**15

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS = {"name", "label", "kind", "required", "help", "choices", "default"}


def check_declared(inputs: Any) -> list[Declared]:
    """The declaration in full. Raises InvalidInput with a field such as `inputs.2.label` (counted from 1)."""
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise InvalidInput(_("The inputs are a list, one entry for each thing to ask for."), "inputs")
    if len(inputs) > MOST:
        raise InvalidInput(_("An agent asks for at most %(most)s inputs.") % {"most": MOST}, "inputs")
    checked: list[Declared] = []
    for number, one in enumerate(inputs, start=1):
        made = _declared(one, f"inputs.{number}")
        if any(made["name"] == other["name"] for other in checked):
            raise InvalidInput(_("Two inputs are named %(name)s.") % {"name": made["name"]}, f"inputs.{number}.name")
        checked.append(made)
    return checked


def name_from(label: str) -> str:
    """A name for programs, made of what people read: "Order number" → order_number."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_0123456789")[:40].rstrip("_")


def check_given(declared: list[Declared], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the run gets: checked, complete with defaults. An agent that declares nothing takes anything.

    Raises InvalidInput with the field, such as `inputs.order_number`.
    """
    if not declared:
        return _anything(given)
    names = [one["name"] for one in declared]
    if unknown := [str(name) for name in given if name not in names]:
        raise InvalidInput(
            _("It asks for no input “%(name)s”, but for %(names)s.")
            % {"name": unknown[0][:60], "names": ", ".join(names)},
            f"inputs.{unknown[0][:60]}",
        )
    values = {}
    for one in declared:
        value = given.get(one["name"])
        if value is None or (isinstance(value, str) and not value.strip()):
            value = one["default"]
        if value is not None:
            values[one["name"]] = _value(one, value, f"inputs.{one['name']}")
        elif one["required"]:
            raise InvalidInput(_("This is needed to start."), f"inputs.{one['name']}")
    return _within_total(values)


def from_text(declared: list[Declared], given: Mapping[str, str]) -> dict[str, Any]:
    """Values as forms and command lines bring them, made what their kinds say; unreadable ones stay text."""
    kinds = {one["name"]: one["kind"] for one in declared}
    return {name: _read(kinds.get(name, ""), text) for name, text in given.items() if text.strip()}


def _read(kind: str, text: str) -> Any:
    if kind == "yes_no":
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.strip().lower(), text)
    if kind == "number":
        try:
            return int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else float(text)
        except ValueError:
            return text
    return text if kind in ("text", "long", "") else text.strip()


def _declared(one: dict[str, Any], field: str) -> Declared:
    if strange := [str(key) for key in one if key not in _KEYS]:
        raise InvalidInput(_("An input has no %(name)s.") % {"name": strange[0][:60]}, field)
    kind = one.get("kind", "text")
    if kind not in KINDS:
        raise InvalidInput(_("An input is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)}, f"{field}.kind")
    name = one.get("name") or ""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            _("A name begins with a small letter and has letters, digits and _, at most 40: order_number."),
            f"{field}.name",
        )
    label = check_text(one.get("label") or name, f"{field}.label", 120).strip()
    if not label.isprintable():
        raise InvalidInput(_("People read the label in the form: give it printable characters."), f"{field}.label")
    made: Declared = {
        "name": name,
        "label": label or name,
        "kind": kind,
        "required": bool(one.get("required", False)),
        "help": check_text(one.get("help") or "", f"{field}.help", 300).strip(),
        "choices": _choices(one.get("choices") or [], kind, f"{field}.choices"),
        "default": None,
    }
    if (default := one.get("default")) not in (None, ""):
        made["default"] = _value(made, default, f"{field}.default")
    return made


def _choices(choices: Any, kind: str, field: str) -> list[str]:
    if kind != "choice":
        return []
    if not isinstance(choices, list) or not 2 <= len(choices) <= MOST_CHOICES:
        raise InvalidInput(_("Give 2 to %(most)s choices.") % {"most": MOST_CHOICES}, field)
    checked = [check_text(choice, field, LONGEST["choice"]).strip() for choice in choices]
    if not all(checked) or len(set(checked)) != len(checked):
        raise InvalidInput(_("Each choice is some text, and another one than the others."), field)
    return checked


def _value(one: Declared, value: Any, field: str) -> Any:
    kind = one["kind"]
    if kind == "yes_no":
        if not isinstance(value, bool):
            raise InvalidInput(_("Say yes or no (true or false)."), field)
        return value
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
            raise InvalidInput(_("This must be a number."), field)
        return value
    if kind == "date":
        return _date(value, field)
    text = check_text(value, field, LONGEST[kind])
    if kind == "choice" and text not in one["choices"]:
        raise InvalidInput(_("Choose one of %(choices)s.") % {"choices": ", ".join(one["choices"])}, field)
    if kind == "text" and "\n" in text.strip():
        raise InvalidInput(_("This must be one line."), field)
    return text if kind == "long" else text.strip()


def _date(value: Any, field: str) -> str:
    try:
        if not isinstance(value, str) or len(value) != 10:
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise InvalidInput(_("Write a date as year-month-day: 2026-11-21."), field) from error


def _anything(given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        check_text(name, "inputs", 200)
        if isinstance(value, str):
            check_text(value, f"inputs.{name}", MAX_TOTAL)
        elif not isinstance(value, int | float | bool | None):
            raise InvalidInput(_("An input is text, a number, true, false or null."), f"inputs.{name}")
        elif isinstance(value, float) and not isfinite(value):
            raise InvalidInput(_("An input that is a number must be finite."), f"inputs.{name}")
    return _within_total(dict(given))


def _within_total(values: dict[str, Any]) -> dict[str, Any]:
    if sum(len(name) + len(str(value)) for name, value in values.items()) > MAX_TOTAL:
        raise InvalidInput(
            _("All inputs together have at most %(most)s characters.") % {"most": f"{MAX_TOTAL:,}"}, "inputs"
        )
    return values
