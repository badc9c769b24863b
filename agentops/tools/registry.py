"""Declares tools and finds them by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agentops.core.errors import InvalidInput
from agentops.core.tools import Effect, InvalidArguments, Tier, Tool, ToolSpec, Undo, Verify

from .arguments import unknown_tool_message
from .errors import ToolDefinitionError
from .function import FunctionTool, effect_fields
from .hygiene import dump
from .schema import parameters_of


class Registry:
    """All tools of this process, by name."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ToolDefinitionError(f"There are two tools named {tool.name}; give one another name.")
        self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def names(self) -> list[str]:
        return sorted(self._tools)

    def toolbox(self, names: Iterable[str], also: Iterable[str] = ()) -> RegistryToolbox:
        """The tools of one agent, in the order given. Raises InvalidInput for a name that no tool has.

        `also`: tools that can be called and are not offered to the model.
        """
        chosen = {}
        for name in names:
            tool = self._tools.get(name)
            if tool is None:
                raise InvalidInput(unknown_tool_message(name, self._tools), field="tools")
            chosen[name] = tool
        return RegistryToolbox(chosen, {name: self._tools[name] for name in also})


class RegistryToolbox:
    """Implements `agentops.core.tools.Toolbox`."""

    def __init__(self, tools: dict[str, Tool], also: dict[str, Tool]) -> None:
        self._tools = tools
        self._also = also

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name) or self._also.get(name)

    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def plus(self, tool: Tool) -> RegistryToolbox:
        """The same with one more tool, as it is for this agent alone."""
        return RegistryToolbox({**self._tools, tool.name: tool}, self._also)


registry = Registry()
"""Where `tool` puts what it makes, unless told otherwise."""


def tool(
    *,
    tier: Tier | str | None = None,
    effect: str | Effect = "",
    reads_only: bool = False,
    timeout: float = 30.0,
    idempotent: bool = False,
    untrusted: bool = False,
    attempts: int = 1,
    asks_person: bool = False,
    starts_run: bool = False,
    name: str | None = None,
    hint: str = "",
    examples: Sequence[dict[str, Any]] = (),
    undo: Undo | None = None,
    verify: Verify | None = None,
    into: Registry = registry,
) -> Callable[[Callable[..., Any]], FunctionTool]:
    """Make a typed function, async or plain, a tool.

    The docstring is what the model reads, with `hint` and `examples` (arguments, checked here) below it.
    A parameter annotated `ToolContext` is filled in and not shown. `effect` says in one line what would
    happen: a format string over the parameters, or a function of the validated arguments. Only a tool that
    reads only may leave out `effect` and `tier` (then low). `timeout` is in seconds. `idempotent`: calling
    again with the same `call_id` does nothing more. `untrusted`: the result is content from outside.
    `attempts` above 1 needs reads_only or idempotent. `asks_person`: the call is never run, a person answers it.
    `starts_run`: it is never run either, the engine starts a run of another agent in its place.
    `undo` says which call takes one back: from its arguments and the data of its result to the name of a tool and
    that tool's arguments, or None when nothing can. It does nothing itself. `verify`, plain or async, looks whether a
    call happened, from its arguments and its context (with the same `call_id`): True, False, None for unknown, or a
    `Verification` with words. It changes nothing. Neither suits a tool that only reads.

    Raises ToolDefinitionError, at import.
    """

    def declare(function: Callable[..., Any]) -> FunctionTool:
        made = _build(
            function,
            name or function.__name__,
            tier=tier,
            effect=effect,
            reads_only=reads_only,
            timeout=timeout,
            idempotent=idempotent,
            untrusted=untrusted,
            attempts=attempts,
            asks_person=asks_person,
            starts_run=starts_run,
            hint=hint,
            examples=examples,
            undo=undo,
            verify=verify,
        )
        into.add(made)
        return made

    return declare


def _build(
    function: Callable[..., Any],
    name: str,
    *,
    tier: Tier | str | None,
    effect: str | Effect,
    reads_only: bool,
    timeout: float,
    idempotent: bool,
    untrusted: bool,
    attempts: int,
    asks_person: bool,
    starts_run: bool,
    hint: str,
    examples: Sequence[dict[str, Any]],
    undo: Undo | None,
    verify: Verify | None,
) -> FunctionTool:
    where = f"tool {name} ({function.__module__})"
    description = inspect.getdoc(function)
    if not description:
        raise ToolDefinitionError(f"{where}: it has no docstring, and the model would not know what it does.")
    if not reads_only and not effect:
        raise ToolDefinitionError(f"{where}: it needs an effect line, as it does more than read.")
    if not reads_only and tier is None:
        raise ToolDefinitionError(f"{where}: it needs a tier, as it does more than read.")
    if tier is not None and tier not in list(Tier):
        raise ToolDefinitionError(f"{where}: {tier!r} is no tier; take one of {', '.join(Tier)}.")
    if timeout <= 0 or attempts < 1:
        raise ToolDefinitionError(f"{where}: timeout must be above 0 and attempts at least 1.")
    if attempts > 1 and not (reads_only or idempotent):
        raise ToolDefinitionError(f"{where}: it cannot be tried again, as it neither only reads nor is idempotent.")
    if reads_only and (undo or verify):
        raise ToolDefinitionError(f"{where}: it only reads, so there is nothing to undo or to verify.")
    parameters = parameters_of(function, where)
    if isinstance(effect, str) and (strange := effect_fields(effect) - set(parameters.names)):
        raise ToolDefinitionError(f"{where}: the effect names {', '.join(sorted(strange))}, which it does not take.")
    made = FunctionTool(
        name=name,
        function=function,
        parameters=parameters,
        spec=ToolSpec(name, _description(description, hint, examples), parameters.schema),
        tier=Tier(tier or Tier.LOW),
        reads_only=reads_only,
        idempotent=idempotent or reads_only,
        untrusted=untrusted,
        timeout=timeout,
        effect=effect,
        attempts=attempts,
        asks_person=asks_person,
        starts_run=starts_run,
        undo=undo,
        verifier=verify,
    )
    for example in examples:
        try:
            made.validate(example)
        except InvalidArguments as error:
            raise ToolDefinitionError(f"{where}: an example is wrong. {error}") from error
    return made


def _description(text: str, hint: str, examples: Sequence[dict[str, Any]]) -> str:
    parts = [text, f"Hint: {hint}" if hint else "", *(f"Example: {dump(example)}" for example in examples)]
    return "\n\n".join(part for part in parts if part)
