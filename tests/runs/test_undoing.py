"""What a run did is taken back by the calls that its tools name, once, last deed first, and the rest is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from agentops.accounts.access import Actor
from agentops.accounts.models import Role
from agentops.core.errors import Conflict, NotAllowed
from runs import undone
from runs.actions import undo_call, undo_run
from runs.actions.undoing import doers_below, preview
from runs.models import Event, Run, RunMessage, ToolCall
from runs.subject import ToolCallSubject
from tests.api import factories as rows

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def ended(**fields: Any) -> tuple[Run, Actor]:
    team = make.team()
    agent = make.agent(team, tools=["write_file", "refund_order"])
    known = {"status": "succeeded", "stop_reason": "answered", "ended_at": timezone.now()}
    run = rows.run(agent, **{**known, **fields})
    return run, make.admin(team)


def refund(run: Run, number: int, **fields: Any) -> ToolCall:
    known = {
        "tool": "refund_order",
        "arguments": {"order_id": "A-1042", "amount": "12.00", "reason": "Late"},
        "effect": f"Refund 12.00 USD to order A-1042 ({number})",
        "result": {"status": "ok", "data": {"refund": number, "order": "A-1042", "amount": "12.00"}},
    }
    return rows.call(rows.step(run, number), **{**known, **fields})


def note(run: Run, number: int) -> ToolCall:
    data = {"path": "a.md", "bytes": 1, "version": "0" * 16}
    arguments = {"path": "a.md", "text": "x"}
    known = {"tool": "write_file", "arguments": arguments, "result": {"status": "ok", "data": data}}
    return rows.call(rows.step(run, number), effect="Write the file a.md", **known)


def played(undo: Run, call: ToolCall, status: str) -> ToolCall:
    """As if the worker had made the order's call, and it came to this."""
    order = next(order for order in undo.orders if order["undoes"] == call.pk)
    undo.orders = [each for each in undo.orders if each is not order]
    undo.save(update_fields=["orders"])
    step = rows.step(undo, undo.step_set.count() + 1)
    return rows.call(step, tool=order["tool"], arguments=order["arguments"], status=status, undoes=call, effect="Back")


def over(run: Run, status: str = "succeeded") -> None:
    Run.objects.filter(pk=run.pk).update(status=status, ended_at=timezone.now(), wake_at=None)


def test_deeds_are_taken_back_last_first_by_a_run_of_their_own(take: Take) -> None:
    run, who = ended(tainted_by="mail 3.eml")
    first, second = refund(run, 1), note(run, 2)
    rows.call(rows.step(run, 3), tool="read_file", effect="Read a file")
    refund(run, 4, status="rejected", result=None)
    refund(run, 5, status="failed", result={"status": "error", "error": "No."})
    undo = undo_run(who, run.pk)
    assert [order["undoes"] for order in undo.orders] == [second.pk, first.pk]
    assert [order["tool"] for order in undo.orders] == ["restore_file", "reverse_refund"]
    assert undo.orders[1]["arguments"] == {
        "refund": 1, "order_id": "A-1042", "amount": "12.00", "reason": "Undone"
    }  # fmt: skip
    assert (undo.status, undo.undoes_id, undo.needs, undo.tainted_by) == ("queued", run.pk, 2, "mail 3.eml")
    assert undo.inputs == {}
    for call in (first, second):
        call.refresh_from_db()
        assert call.undo_run_id == undo.pk
    hand = take(undo)
    assert hand.state.undoing and hand.state.workspace_of == str(run.pk)
    assert set(hand.state.agent.tools) == {"restore_file", "reverse_refund"}


def test_approvals_are_told_which_of_their_actions_were_undone() -> None:
    run, who = ended()
    back, still, failed = refund(run, 1), refund(run, 2), refund(run, 3)
    undo = undo_run(who, run.pk)
    played(undo, back, "succeeded")
    played(undo, failed, "failed")
    ids = [str(call.pk) for call in (back, still, failed)]
    assert ToolCallSubject().taken_back(ids) == {str(back.pk)}


def test_what_cannot_be_taken_back_is_said_with_why() -> None:
    run, who = ended()
    possible = refund(run, 1)
    refund(run, 2, status="in_doubt", result=None)
    refund(run, 3, status="done_by_person", result={"status": "ok", "data": None})
    refund(run, 4, result={"status": "ok", "data": None, "summary": "A person checked: it was done."})
    rows.call(rows.step(run, 5), tool="send_email", effect="Send mail to ada@example.com")
    rows.call(rows.step(run, 6), tool="no_such_tool", effect="Do something old")
    undo = undo_run(who, run.pk)
    assert [order["undoes"] for order in undo.orders] == [possible.pk]
    left = undo.inputs["cannot_be_undone"]
    assert [line.partition(" (step ")[2][0] for line in left] == ["6", "5", "4", "3", "2"]
    for words in ("not installed", "no way back", "cannot say how", "a person did it outside", "in doubt"):
        assert any(words in line for line in left), words
    played(undo, possible, "succeeded")
    report = undone.report(undo.pk)
    assert "Undone: Refund 12.00 USD" in report and report.count("Not undone") == 5


def test_nothing_to_take_back_is_refused_with_the_reasons() -> None:
    run, who = ended()
    with pytest.raises(Conflict, match="did nothing"):
        undo_run(who, run.pk)
    mail = rows.call(rows.step(run), tool="send_email", effect="Send mail to ada@example.com")
    with pytest.raises(Conflict, match="no way back"):
        undo_run(who, run.pk)
    with pytest.raises(Conflict, match="no way back"):
        undo_call(who, mail.pk)
    assert Run.objects.filter(team=run.team).count() == 1


def test_what_runs_below_it_did_is_named_as_theirs_to_roll_back() -> None:
    run, who = ended()
    done = {"status": "succeeded", "ended_at": timezone.now()}
    child = rows.run(run.agent, parent=run, depth=1, goal="Refund the late ones", **done)
    grandchild = rows.run(run.agent, parent=child, depth=2, goal="Write a note", **done)
    idle = rows.run(run.agent, parent=run, depth=1, goal="Look around", **done)
    refund(child, 1)
    note(grandchild, 1)
    rows.call(rows.step(idle), tool="read_file")
    with pytest.raises(Conflict, match=r"runs below it; .*: “Refund the late ones”, “Write a note”[.]"):
        undo_run(who, run.pk)
    over(undo_run(who, child.pk))
    assert [one.pk for one in doers_below(run)] == [child.pk, grandchild.pk]  # that undo ended before it did anything
    played(undo_run(who, child.pk), child.call_set.get(), "succeeded")
    assert [one.pk for one in doers_below(run)] == [grandchild.pk]


def test_a_call_that_changed_nothing_says_so_and_one_that_was_refused_says_that() -> None:
    run, who = ended()
    read = rows.call(rows.step(run), tool="read_file", status="succeeded")
    with pytest.raises(Conflict, match="it changed nothing"):
        undo_call(who, read.pk)
    refused = rows.call(rows.step(run, 2), tool="refund_order", status="rejected")
    with pytest.raises(Conflict, match="not carried out"):
        undo_call(who, refused.pk)


def test_a_run_that_could_do_more_is_not_rolled_back() -> None:
    run, who = ended(status="running", ended_at=None, stop_reason="")
    refund(run, 1)
    with pytest.raises(Conflict, match="pause it first"):
        undo_run(who, run.pk)


def test_one_deed_of_a_living_run_is_taken_back_and_the_agent_is_told() -> None:
    run, who = ended(status="running", ended_at=None, stop_reason="")
    call, other = refund(run, 1), refund(run, 2)
    undo = undo_call(who, call.pk)
    assert [order["undoes"] for order in undo.orders] == [call.pk]
    assert "Refund 12.00 USD" in RunMessage.objects.get(run=run).text
    run.refresh_from_db()
    other.refresh_from_db()
    assert (run.unread, other.undo_run_id) == (1, None)


def test_nothing_is_taken_back_twice() -> None:
    run, who = ended()
    first, second = refund(run, 1), refund(run, 2)
    one = undo_call(who, first.pk)
    with pytest.raises(Conflict, match="Somebody was first"):
        undo_call(who, first.pk)
    assert [order["undoes"] for order in undo_run(who, run.pk).orders] == [second.pk]
    played(one, first, "succeeded")
    over(one)
    with pytest.raises(Conflict):
        undo_call(who, first.pk)
    with pytest.raises(Conflict):
        undo_run(who, run.pk)


def test_two_people_at_once_take_back_once() -> None:
    run, who = ended()
    call = refund(run, 1)
    other = make.admin(run.team)
    results = make.at_once(lambda: undo_call(who, call.pk), lambda: undo_run(other, run.pk))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Run"]
    assert Run.objects.filter(undoes=run).count() == 1


@pytest.mark.parametrize("came_to", ["failed", "rejected", "expired", "cancelled", "invalid"])
def test_what_could_not_be_taken_back_may_be_tried_again(came_to: str) -> None:
    run, who = ended()
    call = refund(run, 1)
    one = undo_call(who, call.pk)
    played(one, call, came_to)
    over(one)
    again = undo_call(who, call.pk)
    call.refresh_from_db()
    assert call.undo_run_id == again.pk != one.pk


@pytest.mark.parametrize("came_to", ["held", "executing", "in_doubt", "approved", "done_by_person"])
def test_what_is_under_way_or_in_doubt_is_not_tried_again(came_to: str) -> None:
    run, who = ended()
    call = refund(run, 1)
    played(undo_call(who, call.pk), call, came_to)
    with pytest.raises(Conflict):
        undo_call(who, call.pk)


def test_an_undo_that_ended_before_its_order_cannot_take_it_up_again_beside_a_second(take: Take) -> None:
    run, who = ended()
    first, second = refund(run, 1), refund(run, 2)
    one = undo_run(who, run.pk)
    over(one, "failed")
    undo_call(who, first.pk)
    one.refresh_from_db()
    assert [order["undoes"] for order in one.orders] == [second.pk]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_may_not_operate_takes_nothing_back(role: Role) -> None:
    run, _ = ended()
    call = refund(run, 1)
    person = make.person(run.team, role)
    with pytest.raises(NotAllowed):
        undo_run(person, run.pk)
    with pytest.raises(NotAllowed):
        undo_call(person, call.pk)
    with pytest.raises(ToolCall.DoesNotExist):
        undo_call(make.admin(make.team()), call.pk)
    assert Run.objects.filter(undoes=run).count() == 0


def test_a_fork_takes_back_its_own_deeds_alone() -> None:
    run, who = ended()
    refund(run, 1)
    fork = rows.run(run.agent, forked_from=run, forked_step=2, steps=1, status="succeeded", ended_at=timezone.now())
    with pytest.raises(Conflict, match="did nothing"):
        undo_run(who, fork.pk)


def test_what_is_taken_back_and_taken_back_again_is_so_where_it_was_done(take: Take) -> None:
    run, who = ended()
    undo = undo_run(who, refund(run, 1).run_id)
    again = rows.run(run.agent, status="queued", wake_at=timezone.now(), undoes=undo)
    assert take(again).state.workspace_of == str(run.pk)


def test_many_deeds_need_no_more_steps_than_the_run_has() -> None:
    run, who = ended()
    assert run.version is not None
    type(run.version).objects.filter(pk=run.version_id).update(max_steps=3, max_tool_calls=3)
    for number in range(1, 21):
        refund(run, number)
    undo = undo_run(who, run.pk)
    assert len(undo.orders) == 20 and undo.max_steps >= 20 and undo.max_tool_calls >= 20


def test_a_preview_changes_nothing_and_costs_the_same_for_many(django_assert_max_num_queries: Any) -> None:
    run, _ = ended()
    for number in range(1, 31):
        refund(run, number)
    before = Event.objects.count()
    with django_assert_max_num_queries(3):
        found = preview(run)
    assert len(found.orders) == 30 and found.deeds[0].startswith("Take back refund 30")
    assert (Event.objects.count(), ToolCall.objects.exclude(undo_run=None).count()) == (before, 0)
