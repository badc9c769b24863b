"""Reads a function's signature: the model of its arguments, and the JSON schema that an agent is shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from agentops.core.tools import ToolContext

from .errors import ToolDefinitionError

# Fields get a prefix and an alias, so that a parameter may be called `schema`, `copy` or `model_config`.
PREFIX = "arg_"
_VALUES = {"default", "const", "enum", "examples"}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The arguments of one function."""

    model: type[BaseModel]
    schema: dict[str, Any]
    names: tuple[str, ...]
    context_name: str
    """The parameter that receives the ToolContext; "" when the function does not ask for it."""

    def call_arguments(self, parsed: BaseModel, context: ToolContext) -> dict[str, Any]:
        """Keyword arguments for the function, as the types it declares."""
        values = {name: getattr(parsed, PREFIX + name) for name in self.names}
        return values | ({self.context_name: context} if self.context_name else {})


def parameters_of(function: Callable[..., Any], where: str) -> Parameters:
    """Raises ToolDefinitionError when the signature cannot be a tool's."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError as error:
        raise ToolDefinitionError(f"{where}: {error}; annotations must be importable at module level.") from error
    fields: dict[str, Any] = {}
    context_name = ""
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolDefinitionError(f"{where}: `{parameter}` cannot be a tool's parameter; name each one.")
        if parameter.annotation is ToolContext:
            context_name = parameter.name
        else:
            fields[parameter.name] = _field(parameter, where)
    try:
        model = create_model(
            function.__name__,
            __config__=ConfigDict(extra="forbid", allow_inf_nan=False),
            **{PREFIX + name: field for name, field in fields.items()},
        )
        raw = model.model_json_schema(schema_generator=_Schema)
    except (PydanticUserError, TypeError) as error:
        raise ToolDefinitionError(f"{where}: no schema can be made of its signature: {error}") from error
    schema = _inlined(raw)
    schema.setdefault("properties", {})
    return Parameters(model, schema, tuple(fields), context_name)


def type_name(schema: dict[str, Any]) -> str:
    """A few words for a property's type, for error messages."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_name(part) for part in schema["anyOf"]))
    if schema.get("type") == "array" and schema.get("items"):
        return f"list of {type_name(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "any value")


def _field(parameter: inspect.Parameter, where: str) -> tuple[Any, FieldInfo]:
    if parameter.annotation is parameter.empty:
        raise ToolDefinitionError(f"{where}: parameter `{parameter.name}` has no type.")
    if isinstance(parameter.default, FieldInfo):
        raise ToolDefinitionError(f"{where}: write `{parameter.name}` as Annotated[type, Field(...)] = default.")
    default = ... if parameter.default is parameter.empty else parameter.default
    return parameter.annotation, Field(default, alias=parameter.name, validate_default=True)


class _Schema(GenerateJsonSchema):
    """Titles repeat the name of what they title, so they are left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, references replaced by what they name; only a type that holds itself stays a reference."""
    definitions = schema.pop("$defs", {})
    recursive: set[str] = set()
    result = _walk_object(schema, definitions, (), recursive)
    if recursive:
        # Each kept definition is walked as if inside itself, so its own references stay.
        done: dict[str, Any] = {}
        while todo := recursive - done.keys():
            for name in sorted(todo):
                done[name] = _walk(definitions[name], definitions, (name,), recursive)
        result["$defs"] = done
    return result


def _walk(node: Any, definitions: dict[str, Any], inside: tuple[str, ...], recursive: set[str]) -> Any:
    if isinstance(node, list):
        return [_walk(part, definitions, inside, recursive) for part in node]
    if isinstance(node, dict):
        return _walk_object(node, definitions, inside, recursive)
    return node


def _walk_object(
    node: dict[str, Any], definitions: dict[str, Any], inside: tuple[str, ...], recursive: set[str]
) -> dict[str, Any]:
    if (reference := node.get("$ref", "")).startswith("#/$defs/"):
        name = reference.removeprefix("#/$defs/")
        if name in inside:
            recursive.add(name)
            return node
        target = _walk_object(definitions[name], definitions, (*inside, name), recursive)
        return target | {key: part for key, part in node.items() if key != "$ref"}
    result: dict[str, Any] = {}
    for key, part in node.items():
        if key == "properties":
            result[key] = {name: _walk(p, definitions, inside, recursive) for name, p in part.items()}
        elif key in _VALUES:
            result[key] = part
        elif key not in ("title", "discriminator"):
            result[key] = _walk(part, definitions, inside, recursive)
    if "properties" in result:
        result.setdefault("additionalProperties", False)
    return result
