"""Schemas that people and models write: what could be fetched, never ends or takes hours is refused with its place."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agentops.core import schemas
from agentops.core.errors import InvalidInput

ORDER = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "ship": {"$ref": "#/$defs/place"}, "bill": {"$ref": "#/$defs/place"}},
    "$defs": {"place": {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]+$"}}}},
    "required": ["total"],
}


def with_property(part: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": part}}


def doubling(levels: int) -> dict[str, Any]:
    parts = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"type": "object", "$defs": {**parts, f"a{levels}": {}}, "$ref": "#/$defs/a0"}


def test_a_schema_with_parts_of_its_own_is_fine_and_applied() -> None:
    assert schemas.check(ORDER) is ORDER
    assert schemas.problem({"total": 1, "ship": {"zip": "10115"}}, ORDER) == ""
    assert "ship.zip" in schemas.problem({"total": 1, "ship": {"zip": "X"}}, ORDER)
    assert schemas.problem([], ORDER).startswith("the whole: ")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ([], "JSON object"),
        ({}, '"type"'),
        ({"type": "objekt"}, "type: "),
        (with_property({"type": 5}), "properties.a.type"),
        (with_property({"$ref": "https://example.com/s"}), "properties.a: $ref may only point into"),
        (with_property({"$ref": "file:///etc/passwd"}), "$ref may only point into"),
        (with_property({"$ref": "#"}), "refers to itself"),
        (with_property({"$ref": "#/$defs/none"}), "points to nothing"),
        (with_property({"$ref": "#/type"}), "points to no schema"),
        (with_property({"$dynamicRef": "#x"}), "$dynamicRef cannot be used"),
        ({"type": "object", "$id": "https://example.com"}, "$id cannot be used"),
        ({"type": "object", "$schema": "http://json-schema.org/draft-04/schema#"}, "$schema must be"),
        (with_property({"patternProperties": {"^a": {}}}), "patternProperties cannot be used"),
        (with_property({"pattern": "("}), "the pattern cannot be used"),
        (with_property({"pattern": "(?=a)b"}), "look-around"),
        (with_property({"pattern": "a" * 501}), "more than 500"),
        (with_property({"minimum": float("nan")}), "cannot be read"),
        (with_property({"minItems": 10**400}), "properties.a.minItems: the number is too large"),
        (with_property({"title": "\ud800"}), "cannot be read"),
        (with_property({"title": "\x00"}), "cannot be stored"),
        (with_property({"title": "x" * 70_000}), "65,536 is the most"),
        (doubling(9), "parts"),
        (doubling(60), "deep"),
    ],
)
def test_what_does_not_stand_by_itself_is_refused_with_its_place(schema: Any, said: str) -> None:
    began = time.monotonic()
    if said == "parts":
        schema = doubling(9) | {"properties": {f"p{n}": {"$ref": "#/$defs/a0"} for n in range(60)}}
    with pytest.raises(InvalidInput) as refused:
        schemas.check(schema)
    assert said in str(refused.value) and refused.value.field == "answer_schema"
    assert time.monotonic() - began < 5


def test_properties_may_have_the_names_of_keywords() -> None:
    names = ("$id", "$ref", "pattern", "type", "patternProperties")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    assert schemas.check(schema) is schema


def test_a_pattern_that_would_take_hours_elsewhere_is_linear_here() -> None:
    schema = schemas.check(with_property({"type": "string", "pattern": "^(a+)+$"}))
    assert "does not match" in schemas.problem({"a": "a" * 20_000 + "b"}, schema)


def test_a_schema_from_before_the_checks_breaks_nothing() -> None:
    assert "cannot be applied" in schemas.problem({}, {"type": "object", "$ref": "#"})
    assert "cannot be applied" in schemas.problem({}, {"type": "object", "$ref": "https://example.com/never-fetched"})
