"""Success criteria: which may be published, and what an answer misses of them."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.errors import InvalidInput
from agentops.engine.state import AgentSpec
from runs import success
from tests.engine.doubles import run_state


def missed(*criteria: dict[str, Any], answer: str = "A-1 is paid.", data: Any = None, **state: Any) -> str:
    held = run_state(**state)
    held.agent = AgentSpec("helper", "Helper", "Help.", (), ("m",), 100, success=criteria)
    return success.unmet(held, answer, data)


def check(expression: str, message: str = "Say more") -> dict[str, str]:
    return {"kind": "check", "expression": expression, "message": message}


@pytest.mark.parametrize(
    "expression",
    [
        "answer.contains('A-1')",
        "data == null",
        "'refund' in tools && steps == 3",
        "cost_usd < 0.5",
        "answer.matches('(?i)PAID') || data.total > 1.0",
    ],
)
def test_an_expression_sees_answer_data_and_what_was_done(expression: str) -> None:
    assert missed(check(expression), steps=3, used={"refund"}) == ""


def test_what_is_missing_is_told_of_each_unmet_check() -> None:
    told = missed(check("answer == ''", "One"), check("answer != ''", "Two"), check("data != null", "Three."))
    assert told == "One. Three."


@pytest.mark.parametrize("expression", ["data.total > 5.0", "answer", "nobody > 1", "answer ==", "answer.matches('(')"])
def test_one_that_gives_no_yes_or_no_counts_as_not_met_and_says_so(expression: str) -> None:
    told = missed(check(expression))
    assert told.startswith("Say more. (It could not be checked, so it counts as not met: ")


@pytest.mark.parametrize("of", [{"answer": "x" * 70_000}, {"data": list(range(2_000))}, {"data": "x" * 70_000}])
def test_an_answer_too_large_to_look_at_counts_as_not_met(of: dict[str, Any]) -> None:
    assert "too l" in missed(check("true || answer == ''"), **of)


def test_a_judges_question_is_not_for_expressions() -> None:
    assert missed({"kind": "judge", "question": "Is it so?"}) == ""


def test_criteria_are_kept_without_the_spaces_around_them() -> None:
    given = [{"kind": "judge", "question": " Is it so? "}, check(" true ", " Always. ")]
    assert success.checked(given) == [{"kind": "judge", "question": "Is it so?"}, check("true", "Always.")]


@pytest.mark.parametrize(
    ("criteria", "field", "said"),
    [
        ({}, "success", "are a list"),
        ([check("true")] * 11, "success", "At most 10"),
        (["true"], "success.0", "Criterion 1: "),
        ([check("true"), {"kind": "wish"}], "success.1", "Criterion 2: A criterion is of kind"),
        ([check("true") | {"question": "?"}], "success.0", "has no “question”"),
        ([check("")], "success.0", "Give an expression"),
        ([check("true", " ")], "success.0", "Say in words"),
        ([check("1 +")], "success.0", "not valid CEL"),
        ([check("args.amount > 1")], "success.0", "There is no args here; use answer, data, tools, steps, cost_usd"),
        ([check("a" * 2_001)], "success.0", "2,000"),
        ([{"kind": "judge", "question": "\x00"}], "success.0", "cannot be stored"),
        ([{"kind": "judge", "question": 5}], "success.0", "must be text"),
        ([check("data.map(x, x).size() > 0")] * 4, "success", "filter() and map() 3 times"),
        (
            [check("true"), check("1+1")],
            "success.1",
            "Criterion 2: Tried on made-up runs, this is never true or false: It is int",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_and_named(criteria: Any, field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        success.checked(criteria)
    assert said in str(refused.value) and refused.value.field == field


@pytest.mark.parametrize(
    "never",
    [
        "1+1", "null", "'a'*3", "answer.startsWith(5)", "1/0 == 1", "answer", "tools.filter(t, t == 'refund')",
        "size(steps) > 1", "answer.matches('(')", "nothing(3)", "answer < 5", "data + 'a' + 1",
    ],
)  # fmt: skip
def test_what_can_never_be_yes_or_no_is_refused(never: str) -> None:
    with pytest.raises(InvalidInput, match=r"Criterion 1: .*never true or false"):
        success.checked([check(never)])


@pytest.mark.parametrize(
    "some",
    [
        "data", "data.total > 5", "data['lines'][3].ok", "data.lines.all(line, line.price > 1.0)", "data > 5",
        "tools[40] == 'refund'", "int(answer) > 4", "timestamp(answer) > timestamp('2020-01-01T00:00:00Z')",
        "100 / steps > 1", "has(data.ok) && data.ok", "data.startsWith('A')", "data[0] == 1", "!data.ok",
    ],
)  # fmt: skip
def test_what_depends_on_the_run_may_be_published(some: str) -> None:
    assert success.checked([check(some)]) == [check(some)]
