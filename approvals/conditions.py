"""Conditions of rules in CEL: checked when published, bounded when evaluated, and never silently false."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import cel
from django.utils.translation import gettext as _

from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.tools.escape import shorten, visible

MAX_LENGTH = 2_000
MAX_COMPREHENSIONS = 4
MAX_ARGUMENT_BYTES = 64 * 1024
MAX_ARGUMENT_PARTS = 1_000
"""`filter` and `map` copy their result for each element: 0.2 s at 1,000 elements, minutes at 30,000."""

VARIABLES = ("args", "agent", "tool", "tainted", "run")

_LITERAL = re.compile(
    r"""//[^\n]*"""
    r"""|(?:[rR][bB]?|[bB][rR])(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")"""
    r"""|'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*\"""",
    re.DOTALL,
)
_TOKEN = re.compile(r"\.\s*(all|exists|exists_one|existsOne|map|filter)\s*\(\s*([A-Za-z_]\w*)?|[()]")


class ConditionFailed(AgentOpsError):
    """A condition gave no yes or no. The rule counts as matched, at tier high at least."""


class LookedAt(Protocol):
    @property
    def context(self) -> cel.Context:
        """Raises ConditionFailed when there is too much of it."""
        ...


@dataclass
class Facts:
    """What a condition may look at. Amounts arrive as strings: `double(args.amount) > 100.0`."""

    args: dict[str, Any]
    agent: str
    tool: str
    tainted: bool
    run: dict[str, float | int]
    """`cost_usd` (double), `steps` and `tool_calls` (int) so far."""

    @cached_property
    def context(self) -> cel.Context:
        check_size(self.args)
        return cel.Context({name: getattr(self, name) for name in VARIABLES})


class Condition:
    """One compiled condition. One that does not compile fails each time it is asked."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._problem = ""
        try:
            self._program = _compile(source)
        except InvalidInput as error:
            self._problem = str(error)

    def holds(self, facts: LookedAt) -> bool:
        """Raises ConditionFailed when it errs or is not boolean."""
        if self._problem:
            raise ConditionFailed(self._problem)
        try:
            answer = self._program.execute(facts.context)
        except ConditionFailed:
            raise
        except Exception as error:  # the library raises whatever Python exception is nearest to CEL's own
            raise ConditionFailed(_words(error)) from error
        if not isinstance(answer, bool):
            raise ConditionFailed(_("It is %(kind)s, not true or false.") % {"kind": type(answer).__name__})
        return answer


def check(source: str, variables: tuple[str, ...] = VARIABLES) -> None:
    """Raises InvalidInput unless a rule (or whatever has other `variables`) may carry this condition."""
    program = _compile(source)
    bound = _comprehension_variables(source)
    unknown = set(program.variables()) - set(variables) - bound
    if unknown:
        raise _invalid(
            _("There is no %(names)s here; use %(variables)s.")
            % {"names": ", ".join(sorted(unknown)), "variables": ", ".join(variables)}
        )


def _compile(source: str) -> cel.Program:
    if len(source) > MAX_LENGTH:
        raise _invalid(
            _("It has %(count)s characters; %(most)s is the most. Split the rule.")
            % {"count": f"{len(source):,}", "most": f"{MAX_LENGTH:,}"}
        )
    _comprehension_variables(source)
    try:
        return cel.compile(source)
    except Exception as error:  # as above
        raise _invalid(_("It is not valid CEL: %(error)s") % {"error": _words(error)}) from error


def _comprehension_variables(source: str) -> set[str]:
    """Names bound by `all`, `exists` and the like. Nested ones are refused: they cost the square."""
    names: set[str] = set()
    open_brackets: list[bool] = []
    found = 0
    for token in _TOKEN.finditer(_LITERAL.sub(" 0 ", source)):
        if token.group() == ")":
            if open_brackets:
                open_brackets.pop()
        elif token.group() == "(":
            open_brackets.append(False)
        else:
            found += 1
            if any(open_brackets):
                raise _invalid(_("%(name)s() stands inside another; write two rules instead.") % {"name": token[1]})
            open_brackets.append(True)
            names.add(token[2] or "")
    if found > MAX_COMPREHENSIONS:
        raise _invalid(
            _("It walks through lists %(count)s times; at most %(most)s are allowed.")
            % {"count": found, "most": MAX_COMPREHENSIONS}
        )
    return names


def copies(source: str) -> int:
    """How often it makes a copy of a list: the costliest thing that a condition can do."""
    return sum(token[1] in ("map", "filter") for token in _TOKEN.finditer(_LITERAL.sub(" 0 ", source)))


def check_size(arguments: Any) -> None:
    try:
        size = len(json.dumps(arguments, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise ConditionFailed(_("The arguments cannot be read: %(error)s") % {"error": _words(error)}) from error
    if size > MAX_ARGUMENT_BYTES:
        raise ConditionFailed(
            _("The arguments are %(count)s bytes; %(most)s is the most.")
            % {"count": f"{size:,}", "most": f"{MAX_ARGUMENT_BYTES:,}"}
        )
    pending, parts = [arguments], 0
    while pending:
        value = pending.pop()
        parts += 1
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    if parts > MAX_ARGUMENT_PARTS:
        raise ConditionFailed(
            _("The arguments have %(count)s values; %(most)s is the most.")
            % {"count": f"{parts:,}", "most": f"{MAX_ARGUMENT_PARTS:,}"}
        )


def _words(error: Exception) -> str:
    text = f"no field {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
    return shorten(visible(text.partition("\n")[0]), 300)


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, field="condition")
