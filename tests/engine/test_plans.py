"""A plan is taken only when it can be carried out; what is wrong is said, naming the step, all at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.engine import plan_rules, plans
from agentops.engine.plan_faults import PlanRefused
from agentops.engine.plans import MOST_STEPS, Room

ROOM = Room(("look", "note"), most_calls=20)


def step(key: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": "T", "instruction": "Do.", "after": list(after), **more}


def refused(*steps: Any, room: Room = ROOM) -> str:
    with pytest.raises(PlanRefused) as caught:
        plan_rules.check({"steps": list(steps)}, room)
    return str(caught.value)


def test_a_sound_plan_is_taken_in_the_order_given() -> None:
    made = plan_rules.check({"steps": [step("b", "a"), step("a", tools=["look"], max_tool_calls=3)]}, ROOM)
    assert [(one.key, one.after, one.max_tool_calls) for one in made] == [("b", ("a",), 0), ("a", (), 3)]


@pytest.mark.parametrize(
    "words",
    [
        '{"steps": []}',
        'Here it is:\n```json\n{"steps": []}\n```\nGood?',
        '```\n{"steps": []}\n```',
        'The plan: {"steps": []} as asked.',
    ],
)
def test_json_is_found_with_or_without_a_fence(words: str) -> None:
    assert plans.read(words) == {"steps": []}


@pytest.mark.parametrize("words", ["", "No.", "}{", "{" * 100_000, '{"steps": [}'])
def test_what_is_no_json_is_refused(words: str) -> None:
    with pytest.raises(PlanRefused, match="not JSON"):
        plans.read(words)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "no step"),
        ([step("a", "a")], "Step “a” comes after itself."),
        ([step("a"), step("a")], "several steps “a”"),
        ([step("a", "b")], "Step “a” comes after “b”, which is no step."),
        ([step("a", "c"), step("b", "a"), step("c", "b")], "in a circle: “a” → “c” → “b” → “a”."),
        ([step("a", tools=["lock"], max_tool_calls=1)], "Step “a”: there is no tool “lock”. Did you mean look?"),
        ([step("a", tools=["look"])], "Step “a” has tools but 0 tool calls"),
        ([step("a", max_tool_calls=15), step("b", max_tool_calls=6)], "21 tool calls together; 20 are left"),
        ([step("a", max_tool_calls=-1)], "Step “a”: max_tool_calls must be"),
        ([step("a", max_tool_calls=True)], "Step “a”: max_tool_calls must be"),
        ([step("a", note="x")], "Step “a” has fields that no step has: “note”."),
        ([{**step("a"), "title": " "}], "Step “a” has no title."),
        ([{**step("a"), "instruction": "x" * 9_000}], "its instruction has 9,000 characters"),
        ([step("a b")], "Step 1: its key must be"),
        ([7], "Step 1 is not an object."),
        ([step(f"s{n}") for n in range(500)], f"500 steps; at most {MOST_STEPS}"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_by_name(steps: list[Any], said: str) -> None:
    assert said in refused(*steps)


@pytest.mark.parametrize("value", [None, [], "x", {"steps": {}}, {"steps": [], "more": 1}])
def test_what_has_no_list_of_steps_is_no_plan(value: Any) -> None:
    with pytest.raises(PlanRefused):
        plan_rules.check(value, ROOM)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    said = refused(step("a", tools=["x"]), {**step("b"), "title": ""})
    assert "Step “a”" in said
    assert "Step “b”" in said


def test_a_new_plan_may_build_on_what_an_earlier_one_has_done() -> None:
    room = Room((), 5, done=frozenset({"old"}))
    assert [one.key for one in plan_rules.check({"steps": [step("old"), step("new", "old")]}, room)] == ["new"]
    assert plan_rules.check({"steps": []}, room) == []


KEYS = st.sampled_from(["a", "b", "c", "d", "e", "f"])


@given(st.lists(st.tuples(KEYS, st.sets(KEYS, max_size=3)), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_a_graph_is_taken_exactly_when_it_can_be_worked_through(graph: list[tuple[str, set[str]]]) -> None:
    """Against a simple worker: again and again it does every step whose predecessors are done."""
    known = {key for key, _ in graph}
    done: set[str] = set()
    while free := {key for key, after in graph if key not in done and after <= done}:
        done |= free
    possible = done == known
    try:
        made = plan_rules.check({"steps": [step(key, *sorted(after)) for key, after in graph]}, ROOM)
    except PlanRefused:
        assert not possible
        return
    assert possible
    status = dict.fromkeys(known, "pending")
    while ready := plans.ready({one.key: (status[one.key], one.after) for one in made}):
        status |= dict.fromkeys(ready, "done")
    assert set(status.values()) == {"done"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["steps", "key", "title", "instruction", "tools", "after", "max_tool_calls", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_written_is_taken_or_refused(value: Any) -> None:
    try:
        plan_rules.check(plans.read(json.dumps(value)), ROOM)
    except PlanRefused as refused:
        assert str(refused)
