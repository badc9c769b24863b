"""What an agent asks for: how it may be declared, and what a run may be given."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.errors import InvalidInput
from runs.inputs import check_declared, check_given, from_text, name_from


def one(kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"name": "x", "label": "X", "kind": kind, **more}


def given(declared: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    return check_given(check_declared(declared), values)


def test_a_declaration_is_completed() -> None:
    assert check_declared([{"name": "order"}]) == [
        {
            "name": "order",
            "label": "order",
            "kind": "text",
            "required": False,
            "help": "",
            "choices": [],
            "default": None,
        }
    ]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ("no list", "inputs"),
        (["no object"], "inputs"),
        ([one()] * 21, "inputs"),
        ([one(), one()], "inputs.2.name"),
        ([one(name="Order")], "inputs.1.name"),
        ([one(name="")], "inputs.1.name"),
        ([one(kind="colour")], "inputs.1.kind"),
        ([one(label="turned \u202e")], "inputs.1.label"),
        ([one(label="x" * 121)], "inputs.1.label"),
        ([one(help="\x00")], "inputs.1.help"),
        ([one("choice", choices=["one"])], "inputs.1.choices"),
        ([one("choice", choices=["a", "a"])], "inputs.1.choices"),
        ([one("choice", choices=["a", "b"], default="c")], "inputs.1.default"),
        ([one("number", default="five")], "inputs.1.default"),
        ([one("date", default="2026-02-30")], "inputs.1.default"),
        ([one(colour="red")], "inputs.1"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_by_field(inputs: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_declared(inputs)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("text", " A-1 ", "A-1"),
        ("long", "a\nb", "a\nb"),
        ("number", 5, 5),
        ("number", 1.5, 1.5),
        ("choice", "b", "b"),
        ("yes_no", False, False),
        ("date", "2026-11-21", "2026-11-21"),
    ],
)
def test_each_kind_takes_its_own(kind: str, value: Any, kept: Any) -> None:
    choices = ["a", "b"] if kind == "choice" else []
    assert given([one(kind, choices=choices)], x=value) == {"x": kept}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 5),
        ("text", "two\nlines"),
        ("text", "x" * 1_001),
        ("long", "\x00"),
        ("number", "5"),
        ("number", True),
        ("number", float("nan")),
        ("number", 10**400),
        ("choice", "c"),
        ("yes_no", "yes"),
        ("yes_no", 1),
        ("date", "21.11.2026"),
        ("date", "20261121"),
        ("text", ["a"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(kind: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        given([one(kind, choices=["a", "b"] if kind == "choice" else [])], x=value)
    assert refused.value.field == "inputs.x"


@pytest.mark.parametrize("value", [None, "", "   "])
def test_nothing_means_the_default_and_a_needed_one_is_asked_for(value: Any) -> None:
    assert given([one(default="A-1")], x=value) == {"x": "A-1"}
    assert given([one()], x=value) == {}
    with pytest.raises(InvalidInput, match="needed"):
        given([one(required=True)], x=value)


def test_an_input_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(InvalidInput, match="asks for no input") as refused:
        given([one()], y="1")
    assert refused.value.field == "inputs.y"


def test_an_agent_that_declares_nothing_takes_anything() -> None:
    assert given([], a=1, b=None, c="text") == {"a": 1, "b": None, "c": "text"}


def test_forms_bring_text_and_kinds_make_it_what_it_is() -> None:
    declared = check_declared(
        [{"name": "n", "kind": "number"}, {"name": "f", "kind": "number"}, {"name": "b", "kind": "yes_no"}]
    )
    assert from_text(declared, {"n": "5", "f": " 1.5 ", "b": "no"}) == {"n": 5, "f": 1.5, "b": False}
    assert from_text(declared, {"n": "five", "b": "perhaps", "f": " "}) == {"n": "five", "b": "perhaps"}


def test_names_are_made_of_labels() -> None:
    assert name_from("Order number (A-…)") == "order_number_a"
    assert name_from("2nd choice") == "nd_choice"
    assert name_from("日本") == ""
