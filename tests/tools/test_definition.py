"""A tool's schema comes from its signature, and a wrong definition fails at import."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier, ToolContext
from agentops.tools import ToolDefinitionError, tool
from agentops.tools.registry import Registry


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    title: str = ""


class Person(BaseModel):
    name: str
    home: Address
    colours: list[Colour] = []


class Folder(BaseModel):
    name: str
    inside: list[Folder] = []


def reading(function: Any, **options: Any) -> Any:
    return tool(reads_only=True, into=Registry(), **options)(function)


def test_schema_follows_the_signature() -> None:
    def find(
        context: ToolContext,
        text: Annotated[str, Field(description="What to look for.")],
        kind: Literal["mail", "file"],
        limit: int = 10,
        colour: Optional[Colour] = None,  # noqa: UP045
    ) -> None:
        """Find things."""

    made = reading(find)
    assert made.spec.description == "Find things."
    assert made.spec.input_schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["text", "kind"],
        "properties": {
            "text": {"type": "string", "description": "What to look for."},
            "kind": {"type": "string", "enum": ["mail", "file"]},
            "limit": {"type": "integer", "default": 10},
            "colour": {
                "anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}],
                "default": None,
            },
        },
    }


def test_nested_models_are_written_out_and_closed() -> None:
    def add(person: Person) -> None:
        """Add."""

    person = reading(add).spec.input_schema["properties"]["person"]
    assert person["additionalProperties"] is False
    assert person["properties"]["home"]["properties"] == {
        "street": {"type": "string"},
        "title": {"type": "string", "default": ""},
    }
    assert person["properties"]["colours"]["items"] == {"type": "string", "enum": ["red", "blue"]}


def test_a_type_that_holds_itself_stays_a_reference_that_resolves() -> None:
    def add(folder: Folder) -> None:
        """Add."""

    made = reading(add)
    schema = made.spec.input_schema
    inner = schema["properties"]["folder"]["properties"]["inside"]["items"]
    assert inner == {"$ref": "#/$defs/Folder"}
    assert schema["$defs"]["Folder"]["properties"]["inside"]["items"] == inner
    tree = {"folder": {"name": "a", "inside": [{"name": "b", "inside": []}]}}
    assert made.validate(tree) == tree


def test_parameters_may_have_names_that_pydantic_uses_itself() -> None:
    def odd(schema: str, copy: int, model_config: bool, _hidden: str = "x") -> None:
        """Odd."""

    arguments = {"schema": "a", "copy": 1, "model_config": True}
    assert reading(odd).validate(arguments) == arguments | {"_hidden": "x"}


def test_hint_and_examples_follow_the_description() -> None:
    def look(at: str) -> None:
        """Look."""

    made = reading(look, hint="Be brief.", examples=[{"at": "moon"}])
    assert made.spec.description == 'Look.\n\nHint: Be brief.\n\nExample: {"at":"moon"}'
    with pytest.raises(ToolDefinitionError, match="example"):
        reading(look, examples=[{"to": "moon"}])


def no_docstring(a: str) -> None: ...


def untyped(a) -> None:  # type: ignore[no-untyped-def]  # that is what is tested
    """Doc."""


def star(*a: str) -> None:
    """Doc."""


def keywords(**a: str) -> None:
    """Doc."""


def positional(a: str, /) -> None:
    """Doc."""


def field_as_default(a: str = Field(default="x")) -> None:
    """Doc."""


def callable_parameter(a: Registry) -> None:
    """Doc."""


def fine(a: str, b: Decimal = Decimal("1.50")) -> None:
    """Doc."""


@pytest.mark.parametrize(
    "function", [no_docstring, untyped, star, keywords, positional, field_as_default, callable_parameter]
)
def test_a_signature_that_cannot_be_a_tool_is_refused(function: Any) -> None:
    with pytest.raises(ToolDefinitionError, match=function.__name__):
        reading(function)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"tier": "low"}, "effect"),
        ({"effect": "Do {a}"}, "tier"),
        ({"effect": "Do {a}", "tier": "huge"}, "no tier"),
        ({"effect": "Do {c}", "tier": "low"}, "names c"),
        ({"effect": "Do {a}", "tier": "low", "attempts": 2}, "tried again"),
        ({"reads_only": True, "timeout": 0}, "timeout"),
    ],
)
def test_a_declaration_that_lacks_something_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ToolDefinitionError, match=complaint):
        tool(into=Registry(), **options)(fine)


def test_a_tool_that_only_reads_is_low_and_may_run_again() -> None:
    made = reading(fine)
    assert (made.tier, made.reads_only, made.idempotent) == (Tier.LOW, True, True)
    assert reading(fine, tier="high").tier is Tier.HIGH


def test_registry_refuses_a_second_tool_of_a_name() -> None:
    registry = Registry()
    tool(reads_only=True, into=registry)(fine)
    with pytest.raises(ToolDefinitionError, match="two tools named fine"):
        tool(reads_only=True, into=registry)(fine)
    assert registry.names() == ["fine"]


def test_toolbox_holds_what_it_was_asked_for_and_names_what_is_missing() -> None:
    registry = Registry()
    made = tool(reads_only=True, into=registry)(fine)
    tool(reads_only=True, name="other", into=registry)(fine)
    toolbox = registry.toolbox(["fine"])
    assert toolbox.get("fine") is made
    assert toolbox.get("other") is None
    assert [spec.name for spec in toolbox.specs()] == ["fine"]
    with pytest.raises(InvalidInput, match="Did you mean fine"):
        registry.toolbox(["fin"])


def test_builtin_tools_register_themselves() -> None:
    import agentops.tools.builtin  # noqa: F401
    from agentops.tools.registry import registry

    assert {"list_files", "read_file", "write_file", "sql_query", "send_email"} <= set(registry.names())
    by_name = {name: registry.get(name) for name in registry.names()}
    assert by_name["send_email"].tier is Tier.MEDIUM  # type: ignore[union-attr]  # it is there, see above
    assert by_name["read_file"].untrusted  # type: ignore[union-attr]
