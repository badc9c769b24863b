"""Reads a tool's result as the model got it; whatever the text is, something sensible comes out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall

EDITED = re.compile(r"Before it ran, a person \([^\n]*\) changed its arguments to (\{[^\n]*\})\n")
WRAPPED = re.compile(r"<untrusted[^>]*>\n?(?:Content from outside follows[^\n]*\n)?(.*?)\n?</untrusted>", re.DOTALL)
REASON = re.compile(r"Their reason: (.+)", re.DOTALL)
REPORT = re.compile(r"(?:reports|it was done)[:.]\s*(.+)", re.DOTALL)
NOT_DONE = re.compile(r"\b(not|cannot|can't|couldn't|didn't|won't|failed|refused|nothing)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    ok: bool
    data: Any
    summary: str
    problem: str
    """What went wrong, and the hint that came with it."""
    unknown: bool
    """It may have happened."""
    changed: dict[str, Any] | None = None
    """The arguments as a person changed them before it ran."""

    @property
    def rejected(self) -> bool:
        return not self.ok and "rejected" in self.problem.lower()

    @property
    def expired(self) -> bool:
        return not self.ok and not self.rejected and "decided in time" in self.problem.lower()

    @property
    def reason(self) -> str:
        """Why a person rejected it, if they said."""
        match = REASON.search(self.problem)
        return one_line(match[1]).partition(" Do not try it again")[0].rstrip(".") if match else ""

    @property
    def report(self) -> str:
        """What a person says of an action they did themselves; "" when no person did it."""
        match = REPORT.search(self.summary) if "person" in self.summary.lower() else None
        return one_line(match[1]).rstrip(".") if match else ""

    @property
    def happened(self) -> bool:
        """Done for sure: a person's report that says “not” does not count."""
        return self.ok and not NOT_DONE.search(self.report)

    def rows(self) -> list[dict[str, Any]]:
        return [row for row in self.data if isinstance(row, dict)] if isinstance(self.data, list) else []

    def text(self) -> str:
        return self.data if isinstance(self.data, str) else ""


@dataclass(frozen=True, slots=True)
class Deed:
    call: ToolCall
    result: Result

    @property
    def done(self) -> dict[str, Any]:
        """The arguments that it ran with."""
        return self.result.changed or self.call.input


def deeds(request: Request) -> list[Deed]:
    """Every call of the run so far with what came of it."""
    return [
        Deed(ToolCall(block["name"], block["input"] if isinstance(block["input"], dict) else {}), read(text))
        for block, text in request.calls()
    ]


def read(text: str) -> Result:
    if edited := EDITED.match(text):
        text = text[edited.end() :]
    found = object_in(text)
    if found is None:
        return Result(ok=False, data=None, summary="", problem=one_line(text), unknown=False)
    problem = " ".join(_unwrap(str(found[key])) for key in ("error", "hint") if found.get(key))
    return Result(
        ok=found.get("ok") is True,
        data=_unwrap(found.get("data")),
        summary=str(found.get("summary") or ""),
        problem=one_line(problem),
        unknown=found.get("status") == "unknown",
        changed=object_in(edited[1]) if edited else None,
    )


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is; None when it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def one_line(text: str, most: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _unwrap(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = WRAPPED.search(value)
    return match[1] if match else value
