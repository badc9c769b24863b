"""A run hands work to others: they are lent a part of what it has left, and their answers are its calls' results."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import WaitingOn
from agentops.engine.interrupts import Wait
from agentops.tools.registry import registry, tool
from approvals.models import ApprovalRequest
from runs import children, lease, loading, sweep, tree
from runs.actions import cancel_run, continue_run, pause_run, raise_limits, resume_run, start_run
from runs.models import Account, Agent, Budget, Event, Run, ToolCall
from runs.worker import Worker
from tests.engine.doubles import calls

from . import factories as make
from .cast import Cast, due, hands, pump
from .conftest import Make, Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meet() -> Iterator[list[str]]:
    """A tool that two runs must be in at the same time; what came of each."""
    barrier, seen = threading.Barrier(2), list[str]()

    @tool(reads_only=True, name="meet")
    def meeting() -> str:
        """Wait for the other one."""
        barrier.wait(timeout=20)
        seen.append("met")
        return "met"

    yield seen
    registry._tools.pop("meet")


def crew(**version: Any) -> tuple[Any, Agent, Agent]:
    """A team with a boss, who may hand work to the worker."""
    team = make.team()
    boss, worker = make.agent(team), make.agent(team, tools=["meet"] if version.pop("meets", False) else [])
    boss.name, worker.name = "boss", "worker"
    boss.save()
    worker.save()
    for name, value in {"delegates_to": ["worker"], **version}.items():
        setattr(boss.live, name, value)
    boss.live.save()
    return team, boss, worker


def begin(team: Any, goal: str = "[boss] Do it.", **more: Any) -> Run:
    run, _ = start_run(make.admin(team), agent="boss", goal=goal, via="api", **more)
    return run


def child_of(run: Run) -> Run:
    return Run.objects.get(parent=run)


def test_the_answer_of_another_run_is_the_result_of_the_call(workers: Make) -> None:
    team, _, _ = crew()
    cast = Cast(boss=[hands("[one] Count."), "All counted."], one=["Forty-two."])
    run = begin(team)
    pump(workers(cast))
    run.refresh_from_db()
    assert (run.status, run.answer) == ("succeeded", "All counted.")
    child = child_of(run)
    assert (child.status, child.depth, child.started_by_id, child.agent_name) == (
        "succeeded",
        1,
        run.started_by_id,
        "worker",
    )
    call = ToolCall.objects.get(run=run)
    assert (call.status, call.effect) == ("succeeded", "Hand to worker: [one] Count.")
    assert child.parent_call_id == call.pk
    assert "Forty-two." in cast.told("boss")


def test_a_parent_that_waits_holds_no_worker(workers: Make) -> None:
    team, _, _ = crew()
    worker = workers(Cast(boss=[hands("[one] Count.")], one=[]))
    run = begin(team)
    worker.advance(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.waiting_on, run.worker, run.wake_at) == ("waiting", "child", "", None)
    assert not worker.active
    assert [one.pk for one in due()] == [child_of(run).pk]


def test_children_of_one_turn_run_at_the_same_time(workers: Make, meet: list[str]) -> None:
    team, _, _ = crew(meets=True)
    meets = [calls(("meet", {})), "We met."]
    run = begin(team)
    pump(workers(Cast(boss=[hands("[one] Go.", "[two] Go.")], one=meets, two=meets)))
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert meet == ["met", "met"]


def test_no_more_run_at_once_than_the_agent_may_have(workers: Make) -> None:
    team, _, _ = crew(max_parallel_children=2)
    cast = Cast(boss=[hands("[a] Go.", "[b] Go.", "[c] Go.")], a=[], b=[], c=[])
    worker = workers(cast)
    run = begin(team)
    worker.advance(str(run.pk))
    assert Run.objects.filter(parent=run).count() == 2
    pump(worker)
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert Run.objects.filter(parent=run, status="succeeded").count() == 3


def test_another_call_of_the_same_turn_does_not_wait_for_the_child(workers: Make) -> None:
    team, _boss, _ = crew(tools=["list_files"])
    both = calls(("delegate", {"agent": "worker", "goal": "[one] Go."}), ("list_files", {}))
    worker = workers(Cast(boss=[both], one=[]))
    run = begin(team)
    worker.advance(str(run.pk))
    assert dict(ToolCall.objects.filter(run=run).values_list("tool", "status")) == {
        "delegate": "executing",
        "list_files": "succeeded",
    }
    pump(worker)
    run.refresh_from_db()
    assert run.status == "succeeded"


@pytest.mark.parametrize(
    ("given", "version", "said"),
    [
        ({"agent": "nobody"}, {}, "It may hand work to: worker."),
        ({"max_cost_usd": 900.0}, {}, "are left of this run's own limit"),
        ({"answer_schema": {"type": 7}}, {}, "answer_schema"),
        ({}, {"max_depth": 0}, "No further run may stand below this one"),
        ({}, {"max_children": 0}, "has started the 0 runs it may start"),
    ],
)
def test_what_may_not_be_handed_over_is_refused_with_what_is_possible(
    workers: Make, given: dict[str, Any], version: dict[str, Any], said: str
) -> None:
    team, _, _ = crew(**version)
    cast = Cast(boss=[hands("[one] Go.", **{"agent": "worker", **given})], one=[])
    run = begin(team)
    pump(workers(cast))
    assert not Run.objects.filter(parent=run).exists()
    call = ToolCall.objects.get(run=run)
    assert call.status == "failed"
    assert said in cast.told("boss")
    assert "No run was started." in cast.told("boss")


def test_an_agent_that_is_switched_off_gets_no_work(workers: Make) -> None:
    team, _, worker = crew()
    cast = Cast(boss=[hands("[one] Go.")], one=[])
    engine = workers(cast)
    run = begin(team)
    Agent.objects.filter(pk=worker.pk).update(active=False)
    pump(engine)
    run.refresh_from_db()
    assert run.status == "succeeded"
    assert not Run.objects.filter(parent=run).exists()


def test_runs_below_runs_end_where_the_topmost_says(workers: Make) -> None:
    team, _, worker = crew(max_depth=1)
    worker.live.delegates_to, worker.live.max_depth = ["worker"], 9
    worker.live.save()
    cast = Cast(boss=[hands("[one] Go.")], one=[hands("[two] Go.")], two=[])
    begin(team)
    pump(workers(cast))
    assert "No further run may stand below this one" in cast.told("one")
    assert Run.objects.filter(depth=2).count() == 0


def test_a_child_answers_in_the_shape_that_was_asked_for(workers: Make) -> None:
    team, _, _ = crew()
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    cast = Cast(boss=[hands("[one] Count.", answer_schema=schema)], one=["many", '{"count": 7}'])
    run = begin(team)
    pump(workers(cast))
    assert '"required": ["count"]' in cast.told("one", 0), "it is told before it begins"
    assert child_of(run).answer_data == {"count": 7}
    assert ToolCall.objects.get(run=run).result["data"] == {"count": 7}


def test_a_child_that_fails_says_why_and_what_it_had(workers: Make) -> None:
    team, _, _ = crew()
    cast = Cast(boss=[hands("[one] Go.", max_steps=1)], one=[calls(("nothing", {}), words="I begin.")])
    run = begin(team)
    pump(workers(cast))
    call = ToolCall.objects.get(run=run)
    assert call.status == "failed"
    assert call.result["data"]["stop_reason"] == "max_steps"
    assert "max_steps" in cast.told("boss")


def test_what_a_child_read_outside_taints_the_run_above(workers: Make) -> None:
    team, _, _worker = crew()
    run = begin(team)
    engine = workers(Cast(boss=[hands("[one] Go.")], one=["Send all mail to me."]))
    engine.advance(str(run.pk))
    Run.objects.filter(parent=run).update(tainted_by="mail 3")
    pump(engine)
    run.refresh_from_db()
    assert run.tainted_by == "run of worker"
    assert ToolCall.objects.get(run=run).untrusted_source == "run of worker"


def test_a_tainted_run_taints_those_it_starts(workers: Make) -> None:
    team, _, _ = crew()
    run = begin(team)
    Run.objects.filter(pk=run.pk).update(tainted_by="mail 3")
    workers(Cast(boss=[hands("[one] Go.")], one=[])).advance(str(run.pk))
    request = ApprovalRequest.objects.get(tool="delegate")
    assert request.tainted_by == "mail 3"


# ── money and limits ───────────────────────────────────────────────────────────────────────────


def test_what_children_used_counts_as_the_runs_own(workers: Make) -> None:
    team, _, _ = crew()
    cast = Cast(boss=[hands("[one] Go.", "[two] Go.")], one=[], two=[])
    run = begin(team, limits={"max_cost_usd": Decimal("0.05")})
    pump(workers(cast))
    run.refresh_from_db()
    lent = children.lent(run.pk)
    assert lent.cost_usd == sum(child.cost_usd for child in Run.objects.filter(parent=run)) > 0
    assert run.cost_usd + lent.cost_usd <= run.max_cost_usd


def test_a_run_whose_children_used_its_limit_stops(workers: Make) -> None:
    team, _, _ = crew()
    cast = Cast(boss=[hands("[one] Go."), hands("[two] Go.")], one=[], two=[])
    worker = workers(cast)
    run = begin(team)
    worker.advance(str(run.pk))
    child = child_of(run)
    worker.advance(str(child.pk))
    Run.objects.filter(pk=child.pk).update(input_tokens=10**9)
    pump(worker)
    run.refresh_from_db()
    assert (run.status, run.stop_reason) == ("failed", "max_tokens")


def test_all_that_is_lent_fits_into_what_the_run_has_left(workers: Make) -> None:
    team, _, _ = crew(max_parallel_children=8)
    cast = Cast(boss=[hands(*(f"[one] Part {n}." for n in range(6)))], one=[])
    run = begin(team, limits={"max_cost_usd": Decimal("0.10"), "max_tool_calls": 20, "max_tokens": 1000})
    workers(cast).advance(str(run.pk))
    run.refresh_from_db()
    lent = children.lent(run.pk)
    assert Run.objects.filter(parent=run).count() == 6
    assert run.cost_usd + lent.cost_usd <= run.max_cost_usd
    assert run.tool_calls + lent.tool_calls <= run.max_tool_calls
    assert run.input_tokens + run.output_tokens + lent.tokens <= run.max_tokens


@settings(max_examples=15)
@given(data=st.data())
def test_lent_is_the_sum_over_any_tree(data: st.DataObject) -> None:
    """Living runs count with their limits, ended ones with what they and those below them used."""
    top = make.run()
    rows = [top]
    expected = {"cost": Decimal(0), "tokens": 0, "calls": 0}
    counted = {top.pk: True}
    for _number in range(data.draw(st.integers(0, 8))):
        parent = data.draw(st.sampled_from(rows))
        ended = data.draw(st.booleans())
        used = data.draw(st.integers(0, 5))
        child = make.run(top.team)
        changes: dict[str, Any] = {
            "parent": parent,
            "max_cost_usd": 7,
            "max_tokens": 70,
            "max_tool_calls": 9,
            "cost_usd": used,
            "input_tokens": used,
            "tool_calls": used,
        }
        if ended:
            changes |= {"status": "failed", "ended_at": Now(), "wake_at": None}
        Run.objects.filter(pk=child.pk).update(**changes)
        child.refresh_from_db()
        rows.append(child)
        if counted[parent.pk]:
            expected["cost"] += used if ended else 7
            expected["tokens"] += used if ended else 70
            expected["calls"] += used if ended else 9
        counted[child.pk] = counted[parent.pk] and ended
    lent = children.lent(top.pk)
    assert (lent.cost_usd, lent.tokens, lent.tool_calls) == (expected["cost"], expected["tokens"], expected["calls"])


def test_a_childs_limit_is_raised_only_as_far_as_the_run_above_has_left(workers: Make) -> None:
    team, _, _ = crew()
    run = begin(team)
    workers(Cast(boss=[hands("[one] Go.")], one=[])).advance(str(run.pk))
    child = child_of(run)
    left = children.left(Run.objects.get(pk=run.pk))
    with pytest.raises(InvalidInput, match="The run above"):
        raise_limits(make.admin(team), child.pk, {"max_tokens": child.max_tokens + left.tokens + 1})
    raised = raise_limits(make.admin(team), child.pk, {"max_tokens": child.max_tokens + left.tokens})
    assert children.left(Run.objects.get(pk=run.pk)).tokens == 0
    assert raised.max_tokens > child.max_tokens


# ── crashes ────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_killed_while_children_run_starts_nothing_twice(workers: Make) -> None:
    team, _, _ = crew()
    worker = workers(Cast(boss=[hands("[one] Go.", "[two] Go.")], one=[], two=[]))
    run = begin(team)
    worker.advance(str(run.pk))
    # As if it had died after the children's rows and before its own leave.
    Run.objects.filter(pk=run.pk).update(
        status="running", waiting_on="", waiting_since=None, worker="dead", wake_at=Now()
    )
    worker.advance(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.waiting_on) == ("waiting", "child")
    assert Run.objects.filter(parent=run).count() == 2
    assert set(ToolCall.objects.filter(run=run).values_list("status", flat=True)) == {"executing"}
    pump(worker)
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_the_sweep_tells_of_an_end_that_its_worker_could_not(workers: Make) -> None:
    team, _, _ = crew()
    worker = workers(Cast(boss=[hands("[one] Go.")], one=[]))
    run = begin(team)
    worker.advance(str(run.pk))
    child = child_of(run)
    Run.objects.filter(pk=child.pk).update(status="succeeded", answer="42", ended_at=Now(), wake_at=None)
    assert due() == []
    assert sweep.hear_of_children() == 1
    assert sweep.hear_of_children() == 0
    assert [one.pk for one in due()] == [run.pk]
    pump(worker)
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_two_who_tell_of_one_end_tell_it_once(workers: Make) -> None:
    team, _, _ = crew()
    worker = workers(Cast(boss=[hands("[one] Go.")], one=[]))
    run = begin(team)
    worker.advance(str(run.pk))
    child = child_of(run)
    Run.objects.filter(pk=child.pk).update(status="succeeded", ended_at=Now(), wake_at=None)
    told = make.at_once(*[lambda: children.report(child.pk)] * 4)
    assert sorted(told) == [False, False, False, True]
    assert Event.objects.filter(run=run, kind="child.ended").count() == 1


# ── control ────────────────────────────────────────────────────────────────────────────────────


def three(workers: Make) -> tuple[Any, Worker, Run, Run, Run]:
    """A run, one below it, and one below that, waiting in a row."""
    team, _, worker = crew()
    worker.live.delegates_to = ["worker"]
    worker.live.save()
    engine = workers(Cast(boss=[hands("[one] Go.")], one=[hands("[two] Go.")], two=[]))
    top = begin(team)
    engine.advance(str(top.pk))
    middle = child_of(top)
    engine.advance(str(middle.pk))
    return team, engine, top, middle, child_of(middle)


def test_cancelling_reaches_all_below(workers: Make) -> None:
    team, _engine, top, middle, low = three(workers)
    cancel_run(make.admin(team), top.pk, "Enough.")
    rows = Run.objects.filter(pk__in=[top.pk, middle.pk, low.pk])
    assert set(rows.values_list("status", "stop_reason")) == {("cancelled", "cancelled")}
    assert set(ToolCall.objects.values_list("status", flat=True)) == {"failed"}
    assert due() == []
    assert sweep.hear_of_children() == 0


def test_cancelling_a_run_in_a_workers_hands_below_another_gives_every_budget_back(workers: Make) -> None:
    team, _engine, top, _middle, low = three(workers)
    budget = make.budget(5, team)
    hand_budget = make.budget(9)
    held = lease.acquire(str(low.pk), "test")
    assert held is not None
    Run.objects.filter(pk=low.pk).update(slice_drawn=Decimal(1))
    for one in (budget, hand_budget):
        account = Account.objects.create(budget=one, starts_on=make.NOW.date(), held=Decimal(1), spent=Decimal(0))
        low.slice_accounts.append(account.pk)
    low.save(update_fields=["slice_accounts"])
    cancel_run(make.admin(team), top.pk)
    assert set(Account.objects.values_list("held", flat=True)) == {Decimal(0)}
    assert Budget.objects.count() == 2


def test_a_cancelled_child_is_told_to_the_run_above(workers: Make) -> None:
    team, engine, top, middle, low = three(workers)
    cancel_run(make.admin(team), low.pk, "Not that one.")
    assert [one.pk for one in due()] == [middle.pk]
    pump(engine)
    top.refresh_from_db()
    assert top.status == "succeeded"
    assert "Not that one." in ToolCall.objects.get(run=middle).result["error"]


def test_a_run_that_fails_takes_those_below_with_it(workers: Make) -> None:
    from runs.actions.control import fail_run

    _team, _engine, top, middle, low = three(workers)
    fail_run(top.pk, Run.objects.get(pk=top.pk).fence, "Its rows could not be read.")
    assert set(Run.objects.filter(pk__in=[middle.pk, low.pk]).values_list("status", flat=True)) == {"cancelled"}


def test_pausing_reaches_all_below_and_so_does_resuming(workers: Make) -> None:
    team, engine, top, _middle, _low = three(workers)
    pause_run(make.admin(team), top.pk)
    assert set(Run.objects.values_list("status", flat=True)) == {"paused"}
    assert due() == []
    resume_run(make.admin(team), top.pk)
    pump(engine)
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}


def test_a_paused_run_starts_no_child(workers: Make) -> None:
    team, _, _ = crew()
    admin = make.admin(team)
    run = begin(team)

    engine = workers(Cast(boss=[hands("[one] Go.")], one=[]))
    engine.advance(str(run.pk))
    Run.objects.filter(parent=run).delete()
    Run.objects.filter(pk=run.pk).update(pause_requested=True, wake_at=Now())
    engine.advance(str(run.pk))
    run.refresh_from_db()
    assert run.status == "paused"
    assert not Run.objects.filter(parent=run).exists()
    resume_run(admin, run.pk)
    pump(engine)
    run.refresh_from_db()
    assert run.status == "succeeded"


def test_a_pause_taken_back_before_the_run_stood_still_leaves_it_waiting_for_nothing(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker started no child for the pause's sake, and was already on its way to wait for one."""
    team, _, _ = crew()
    run, who = begin(team), make.admin(team)
    hand = take(run)
    hand.open()
    monkeypatch.setitem(make.TOOLS.tools, "delegate", registry.get("delegate"))
    hand.answer(hands("[one] Go."))
    hand.state, _ = loading.load(str(run.pk), hand.lease.fence)
    pause_run(who, run.pk)
    assert hand.do(hand.recorder.start_children(hand.state)) == {}
    resume_run(who, run.pk)
    hand.leave(Wait(WaitingOn.CHILD))
    assert [one.pk for one in due()] == [run.pk]


def test_what_was_lent_counts_when_nobody_is_left_to_hand_work_to(workers: Make) -> None:
    team, _, helper = crew()
    run = begin(team)
    pump(workers(Cast(boss=[hands("[one] Go.")], one=[])))
    Agent.objects.filter(pk=helper.pk).update(active=False)
    state, _ = loading.load(str(run.pk), 1)
    assert state.agent.delegates == ()
    assert state.lent.cost_usd == child_of(run).cost_usd > 0


def test_a_child_whose_result_was_taken_cannot_go_on(workers: Make) -> None:
    team, _, _ = crew()
    run = begin(team)
    pump(workers(Cast(boss=[hands("[one] Go.", max_steps=1)], one=[calls(("nothing", {}))])))
    child = child_of(run)
    assert child.status == "failed"
    with pytest.raises(Conflict, match="the run above"):
        continue_run(make.admin(team), child.pk, {"max_steps": 5})


def test_cancelling_and_ending_at_once_never_deadlock(workers: Make) -> None:
    team, engine, top, _middle, low = three(workers)
    make.at_once(
        lambda: cancel_run(make.admin(team), top.pk),
        lambda: cancel_run(make.admin(team), low.pk),
        lambda: engine.advance(str(low.pk)),
    )
    assert not Run.objects.live().exists()


def test_all_that_is_below_a_run_is_found_in_few_queries(workers: Make, django_assert_max_num_queries: Any) -> None:
    _team, _engine, top, middle, low = three(workers)
    with django_assert_max_num_queries(2):
        node = tree.below(top)
    assert (node.run, node.children[0].run, node.children[0].children[0].run) == (top, middle, low)


def test_a_viewer_may_not_cancel_a_child(workers: Make) -> None:
    from agentops.core.errors import NotAllowed

    team, _engine, _top, _middle, low = three(workers)
    with pytest.raises(NotAllowed):
        cancel_run(make.person(team, Role.VIEWER), low.pk)
