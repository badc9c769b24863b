"""A person takes a run over, orders its next calls, and hands it back."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.accounts.access import Actor
from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.states import WaitingOn
from agentops.engine.interrupts import Pause, Wait
from runs.actions import cancel_run, hand_back, order_call, resume_run, take_over
from runs.models import Event, Run, RunMessage

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = {"path": "notes/a.md", "text": "One."}


def a_run(**fields: Any) -> tuple[Run, Actor]:
    team = make.team()
    agent = make.agent(team, tools=["write_file", "ask_human", "gone"])
    who = make.admin(team)
    from runs.actions import start_run

    run, _ = start_run(who, agent=agent.name, goal="Do it.", via="api")
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run, who


def taken() -> tuple[Run, Actor]:
    run, who = a_run()
    return take_over(who, run.pk), who


def actions_of(run: Run) -> list[str]:
    return [event.data["action"] for event in Event.objects.filter(run=run, kind="person.acted").order_by("seq")]


def test_a_run_that_is_taken_over_stands_still_and_asks_no_model(take: Take) -> None:
    run, who = taken()
    assert (run.status, run.taken_over_by, run.wake_at) == ("paused", str(who), None)
    assert actions_of(run) == ["took it over"]


def test_a_running_one_finishes_what_it_does_and_then_stands_still(take: Take) -> None:
    run, who = a_run()
    hand = take(run)
    hand.open()
    assert take_over(who, run.pk).status == "running"
    with pytest.raises(Conflict, match="still at work"):
        order_call(who, run.pk, "write_file", NOTE)
    hand.settle(*hand.answer(make.answer("look")))
    hand.leave(Pause())
    run.refresh_from_db()
    assert (run.status, run.pause_requested, run.taken_over_by) == ("paused", False, str(who))


def test_what_waits_for_a_person_goes_on_waiting(take: Take) -> None:
    run, who = a_run()
    hand = take(run)
    hand.open()
    hand.answer(make.answer("refund"))
    hand.leave(Wait(WaitingOn.APPROVAL))
    assert take_over(who, run.pk).status == "waiting"


def test_an_ordered_call_is_checked_and_put_before_the_worker(take: Take) -> None:
    run, who = taken()
    run = order_call(who, run.pk, "write_file", NOTE, note="Quicker so.")
    assert run.status == "queued" and run.wake_at is not None
    [order] = run.orders
    assert order == {"tool": "write_file", "arguments": NOTE, "by": str(who), "note": "Quicker so.", "undoes": None}
    hand = take(run)
    assert hand.state.taken_over and [each.tool for each in hand.state.orders] == ["write_file"]
    assert actions_of(run) == ["took it over", "ordered write_file"]


def test_one_call_at_a_time(take: Take) -> None:
    run, who = taken()
    order_call(who, run.pk, "write_file", NOTE)
    with pytest.raises(Conflict, match="not begun yet"):
        order_call(who, run.pk, "write_file", NOTE)
    assert len(Run.objects.get(pk=run.pk).orders) == 1


@pytest.mark.parametrize(
    ("field", "tool", "arguments"),
    [
        ("tool", "gone", {}),
        ("tool", "ask_human", {"question": "Why?"}),
        ("tool", "send_email", {}),
        ("tool", "", {}),
        ("tool", "x" * 5000, {}),
        ("arguments.text", "write_file", {"path": "a"}),
        ("arguments.path", "write_file", {"path": "", "text": "x"}),
        ("arguments.love", "write_file", {**NOTE, "love": 1}),
        ("arguments", "write_file", []),
        ("arguments", "write_file", "text"),
        ("arguments", "write_file", None),
    ],
)
def test_a_call_that_cannot_be_names_its_field_and_changes_nothing(field: str, tool: str, arguments: Any) -> None:
    run, who = taken()
    with pytest.raises(InvalidInput) as refused:
        order_call(who, run.pk, tool, arguments)
    assert refused.value.field == field
    again = Run.objects.get(pk=run.pk)
    assert (again.orders, again.status, again.seq) == ([], "paused", run.seq)


def test_only_who_has_the_run_orders_its_calls() -> None:
    run, who = taken()
    other = make.admin(run.team)
    with pytest.raises(Conflict, match=str(who)):
        order_call(other, run.pk, "write_file", NOTE)
    with pytest.raises(Conflict, match=str(who)):
        take_over(other, run.pk)
    hand_back(other, run.pk)
    assert take_over(other, run.pk).taken_over_by == str(other)


def test_nobody_orders_before_taking_over_or_beyond_a_limit() -> None:
    run, who = a_run()
    with pytest.raises(Conflict, match="Take the run over first"):
        order_call(who, run.pk, "write_file", NOTE)
    take_over(who, run.pk)
    Run.objects.filter(pk=run.pk).update(tool_calls=run.max_tool_calls)
    with pytest.raises(Conflict, match="raise that limit"):
        order_call(who, run.pk, "write_file", NOTE)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_may_not_operate_takes_nothing_over(role: Role) -> None:
    run, _ = a_run()
    person = make.person(run.team, role)
    for act in (
        lambda: take_over(person, run.pk),
        lambda: order_call(person, run.pk, "write_file", NOTE),
        lambda: hand_back(person, run.pk),
    ):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(Run.DoesNotExist):
        take_over(make.admin(make.team()), run.pk)


def test_handed_back_it_goes_on_with_what_was_said(take: Take) -> None:
    run, who = taken()
    run = hand_back(who, run.pk, words="I have looked already.")
    assert (run.status, run.taken_over_by, run.unread) == ("queued", "", 1)
    assert RunMessage.objects.get(run=run).text == "I have looked already."
    assert not take(run).state.taken_over
    with pytest.raises(Conflict, match="Nobody has taken it over"):
        hand_back(who, run.pk)


def test_an_order_that_has_not_begun_is_dropped_with_the_run_handed_back() -> None:
    run, who = taken()
    order_call(who, run.pk, "write_file", NOTE)
    assert hand_back(who, run.pk).orders == []


def test_handed_back_while_a_worker_holds_it_it_does_not_stand_still(take: Take) -> None:
    run, who = taken()
    order_call(who, run.pk, "write_file", NOTE)
    hand = take(run)
    hand_back(who, run.pk)
    hand.leave(Pause())
    run.refresh_from_db()
    assert run.status == "running" and run.worker == ""
    assert not take(run).state.taken_over


def test_resuming_is_handing_back() -> None:
    run, who = taken()
    with pytest.raises(Conflict, match="hand it back"):
        resume_run(who, run.pk)
    assert Run.objects.get(pk=run.pk).status == "paused"


def test_a_run_that_has_ended_is_nobodys_to_take() -> None:
    run, who = a_run()
    cancel_run(who, run.pk)
    for act in (lambda: take_over(who, run.pk), lambda: order_call(who, run.pk, "write_file", NOTE)):
        with pytest.raises(Conflict, match="ended"):
            act()


def test_two_people_at_once_one_has_it() -> None:
    run, who = a_run()
    other = make.admin(run.team)
    results = make.at_once(lambda: take_over(who, run.pk), lambda: take_over(other, run.pk))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Run"]
