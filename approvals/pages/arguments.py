"""Arguments as a form: one field for each property of the tool's schema, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput
from agentops.templatetags.console import pretty
from agentops.tools.escape import visible
from approvals.models import ApprovalRequest

from .schema import Kind, Property, properties

MISSING: Any = object()
"""An argument that is not given, which differs from one that is null or empty."""

WORDS = {"true": True, "false": False}


@dataclass
class Field:
    """One control, or with `inside` a fieldset of them."""

    key: str
    about: Property
    base: Any
    """The value that the form was made with."""
    asked: Any
    """What the agent asked for."""
    text: str = ""
    value: Any = MISSING
    problem: str = ""
    inside: list[Field] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.value != self.asked)

    @property
    def asked_text(self) -> str:
        """As the control would hold it."""
        return "" if self.asked is MISSING or self.inside else _as_text(self.about.kind, self.asked)

    @property
    def hides(self) -> bool:
        """Characters that one would not see in the control."""
        return visible(self.text, multiline=True) != self.text

    @property
    def rows(self) -> int:
        return min(14, max(2, self.text.count("\n") + 1, len(self.text) // 70))

    @property
    def as_json(self) -> str:
        return "" if self.value is MISSING else pretty(self.value)

    def read(self, text: str) -> None:
        """Take what was typed; a control that was left alone keeps its value to the bit."""
        unchanged = self.text
        self.text = text.replace("\r\n", "\n")
        if self.text == unchanged.replace("\r\n", "\n"):
            return
        try:
            self.value = self._parsed(self.text)
        except ValueError as error:
            self.problem = str(error)

    def _parsed(self, text: str) -> Any:
        kind = self.about.kind
        if kind is Kind.LIST:
            return [_scalar(self.about.items, line.strip()) for line in text.split("\n") if line.strip()]
        if text == "" and (not self.about.required or kind not in (Kind.TEXT, Kind.LONG)):
            if self.about.required and not self.about.nullable:
                raise ValueError(_("This is needed."))
            return None if self.about.nullable else MISSING
        if kind is Kind.EITHER and not isinstance(self.base, int | float):
            return text
        return _scalar(kind, text)


class PlainForm:
    """Implements `approvals.subjects.Form` for whatever has no face of its own."""

    def __init__(self, request: ApprovalRequest, base: dict[str, Any], typed: Mapping[str, str] | None = None) -> None:
        self.fields = fields(request.input_schema, base, request.arguments)
        self._values = base if typed is None else fill(self.fields, typed)
        self.wrong = any(one.problem for one in every(self.fields))

    @property
    def arguments(self) -> dict[str, Any]:
        return self._values

    def blame(self, refused: InvalidInput) -> bool:
        return blame(self.fields, refused.field or "", str(refused))


def fields(schema: Any, base: dict[str, Any], asked: dict[str, Any], prefix: str = "arg") -> list[Field]:
    made = []
    for number, about in enumerate(properties(schema, base)):
        value = base.get(about.name, MISSING)
        one = Field(f"{prefix}.{number}", about, value, asked.get(about.name, MISSING), value=value)
        if about.kind is Kind.GROUP:
            inner = one.asked if isinstance(one.asked, dict) else {}
            one.inside = fields(about.schema, value, inner, one.key)
        elif value is not MISSING:
            one.text = _as_text(about.kind, value)
        made.append(one)
    return made


def fill(form: list[Field], typed: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that the form now holds. Look for `problem` in the fields before using them."""
    values: dict[str, Any] = {}
    for one in form:
        if one.about.kind is Kind.GROUP:
            one.value = fill(one.inside, typed)
        elif one.about.kind is not Kind.JSON and one.key in typed:
            one.read(typed[one.key])
        if one.value is not MISSING:
            values[one.about.name] = one.value
    return values


def every(form: list[Field]) -> Iterator[Field]:
    for one in form:
        yield one
        yield from every(one.inside)


def blame(form: list[Field], name: str, problem: str) -> bool:
    """Put a refusal at the field it names, such as `arguments.amount`. Whether there is one."""
    path = [part for part in name.replace("[", ".").split(".") if part not in ("", "arguments")]
    for one in form:
        if path and one.about.name == path[0]:
            if not (one.inside and blame(one.inside, ".".join(path[1:]), problem)):
                one.problem = problem
            return True
    return False


def _as_text(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind is Kind.LIST:
        return "\n".join(item if isinstance(item, str) else json.dumps(item) for item in value)
    if kind is Kind.CHOICE or not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value


def _scalar(kind: Kind, text: str) -> Any:
    if kind is Kind.BOOLEAN:
        if text not in WORDS:
            raise ValueError(_("Yes or no."))
        return WORDS[text]
    if kind is Kind.CHOICE:
        return json.loads(text)
    if kind is Kind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise ValueError(_("A date, such as 2026-11-21.")) from error
    if kind in (Kind.INTEGER, Kind.NUMBER, Kind.EITHER):
        return _number(kind, text.strip())
    return text


def _number(kind: Kind, text: str) -> int | float:
    whole = text.removeprefix("-")
    if whole.isascii() and whole.isdigit() and len(whole) <= 30:
        return int(text)
    if kind is Kind.INTEGER:
        raise ValueError(_("A whole number."))
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(_("A number, such as 19.90.")) from error
    if not number.is_finite() or len(text) > 40 or abs(number) >= Decimal("1e300"):
        raise ValueError(_("A number, such as 19.90."))
    return float(number)
