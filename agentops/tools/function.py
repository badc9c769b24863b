"""A tool made of a Python function."""

from __future__ import annotations

import dataclasses
import inspect
import string
from collections.abc import Callable
from typing import Any

import structlog

from agentops.core.tools import (
    Compensation,
    Effect,
    InvalidArguments,
    Tier,
    ToolContext,
    ToolResult,
    ToolSpec,
    Undo,
    Verification,
    Verify,
)

from . import arguments as checks
from .escape import shorten, visible
from .executor import execute
from .hygiene import dump, json_safe
from .schema import Parameters

_log = structlog.get_logger(__name__)
_SHOWN = 200
VERIFY_SECONDS = 10.0
"""How long a tool may look whether a call of it happened."""


@dataclasses.dataclass(slots=True, eq=False)
class FunctionTool:
    """Implements `agentops.core.tools.Tool`. Made by the `tool` decorator, which checks the definition."""

    name: str
    function: Callable[..., Any]
    parameters: Parameters
    spec: ToolSpec
    tier: Tier
    reads_only: bool
    idempotent: bool
    untrusted: bool
    timeout: float
    effect: str | Effect
    attempts: int = 1
    asks_person: bool = False
    starts_run: bool = False
    undo: Undo | None = None
    verifier: Verify | None = None

    @property
    def can_undo(self) -> bool:
        return self.undo is not None

    @property
    def can_verify(self) -> bool:
        return self.verifier is not None

    def validate(self, arguments: Any) -> dict[str, Any]:
        return checks.validate(self.name, self.parameters, arguments)

    def effect_line(self, arguments: dict[str, Any]) -> str:
        """One line. Where the tool declares no effect, or its effect fails, the arguments themselves."""
        try:
            line = self.effect(arguments) if callable(self.effect) else _fill(self.effect, arguments)
        except Exception:
            _log.exception("effect_failed", tool=self.name)
            line = ""
        return visible(line or _plain(self.name, arguments))

    async def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        try:
            parsed = checks.parse(self.name, self.parameters, arguments)
        except InvalidArguments as error:
            return ToolResult("error", error=str(error))
        result = await execute(
            self.name,
            self.function,
            self.parameters.call_arguments(parsed, context),
            timeout=self.timeout,
            repeatable=self.reads_only or self.idempotent,
            attempts=self.attempts,
        )
        if self.untrusted and result.ok and not result.untrusted_source:
            return dataclasses.replace(result, untrusted_source=self.name)
        return result

    def compensation(self, arguments: dict[str, Any], data: Any) -> Compensation | None:
        if self.undo is None:
            return None
        try:
            found = self.undo(arguments, data)
            return None if found is None else (str(found[0]), json_safe(dict(found[1])))
        except Exception:
            # Of a result that is not what the tool usually returns, say of a call that a person settled.
            _log.exception("undo_failed", tool=self.name)
            return None

    async def verify(self, arguments: dict[str, Any], context: ToolContext) -> Verification:
        found: list[Any] = []
        verifier = self.verifier
        if verifier is None:
            return Verification(f"{self.name} cannot look whether it happened.")

        def look() -> None:
            found.append(verifier(arguments, context))

        async def look_async() -> None:
            found.append(await verifier(arguments, context))

        looking = look_async if inspect.iscoroutinefunction(verifier) else look
        result = await execute(f"{self.name}'s look", looking, {}, timeout=VERIFY_SECONDS, repeatable=True)
        if not result.ok or not found:
            return Verification(f"It could not be looked up: {result.error}")
        return _verification(found[0])


def _verification(found: Any) -> Verification:
    if isinstance(found, Verification):
        happened = found.happened if isinstance(found.happened, bool) else None
        return Verification(shorten(json_safe(str(found.said)), 2000), happened)
    if isinstance(found, bool):
        return Verification("It is there." if found else "It is not there.", found)
    return Verification(shorten(json_safe(found), 2000) if isinstance(found, str) else "It cannot tell.")


def effect_fields(effect: str) -> set[str]:
    """The parameters that an effect line names."""
    fields = {name for _, name, _, _ in string.Formatter().parse(effect) if name is not None}
    return {name.split(".")[0].split("[")[0] for name in fields}


def _fill(effect: str, arguments: dict[str, Any]) -> str:
    return effect.format(**{name: _shown(value) for name, value in arguments.items()})


def _shown(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return shorten(value if isinstance(value, str) else dump(value), _SHOWN)


def _plain(name: str, arguments: dict[str, Any]) -> str:
    pairs = ", ".join(f"{key}={shorten(dump(value), _SHOWN)}" for key, value in arguments.items())
    return shorten(f"{name}({pairs})", 1000)
