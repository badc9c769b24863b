"""A run makes a plan, other runs carry out its steps at the same time, and it answers from their results."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from agentops.core.errors import Conflict, InvalidInput
from agentops.core.models import ModelRequest
from agentops.tools.registry import registry, tool
from approvals.actions import ask as ask_before_deciding
from approvals.actions import decide
from approvals.models import ApprovalRequest
from runs.actions import cancel_run, pause_run, resume_run, start_run
from runs.models import Event, Plan, PlanStep, Run, Step
from runs.pages.plan import current_of
from runs.worker import Worker
from tests.engine.doubles import calls

from . import factories as make
from .cast import Cast, due, plan, pump, step
from .conftest import Make

pytestmark = pytest.mark.django_db(transaction=True)

FAILS = [calls(("nothing", {}))] * 3
"""Turns that come to no answer within two steps."""


@pytest.fixture(autouse=True)
def no_grace(settings: Any) -> None:
    """A decision takes effect at once."""
    settings.AGENTOPS_GRACE_SECONDS = 0


@pytest.fixture
def meet() -> Iterator[list[int]]:
    """A tool that notes how many are in it, and lets two out together."""
    barrier, lock = threading.Barrier(2), threading.Lock()
    inside, most = [0], [0]

    @tool(reads_only=True, name="meet")
    def meeting() -> str:
        """Wait for the other one."""
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        barrier.wait(timeout=20)
        with lock:
            inside[0] -= 1
        return "met"

    yield most
    registry._tools.pop("meet")


def begin(**version: Any) -> tuple[Any, Run]:
    team = make.team()
    boss = make.agent(team, **{"planning": "plan", "tools": ["list_files"], "max_steps": 6, **version})
    run, _ = start_run(make.admin(team), agent=boss.name, goal="[boss] Do it.", via="api")
    return team, run


def now(run: Run) -> Run:
    run.refresh_from_db()
    return run


def statuses(run: Run) -> dict[str, str]:
    latest = run.plans.order_by("-number").first()
    assert latest is not None
    return dict(latest.steps.values_list("key", "status"))


def test_a_plan_is_worked_through_and_its_results_are_the_answer(workers: Make) -> None:
    _, run = begin()
    written = plan(step("a", tools=["list_files"], max_tool_calls=2), step("b", "a"))
    cast = Cast(boss=[written, "All of it: 42."], a=["Forty."], b=["And two."])
    pump(workers(cast))
    assert (now(run).status, run.answer) == ("succeeded", "All of it: 42.")
    assert statuses(run) == {"a": "done", "b": "done"}
    assert "Forty." in cast.told("b")
    assert "Forty." in cast.told("boss")
    assert "And two." in cast.told("boss")
    assert all(request.words_only for who, request in cast.asked if who == "boss")
    assert list(Step.objects.filter(run=run).order_by("number").values_list("kind", flat=True)) == ["plan", "turn"]


def test_a_step_has_its_own_tools_and_its_share(workers: Make) -> None:
    _, run = begin(tools=["list_files", "read_file"])
    cast = Cast(boss=[plan(step("a", tools=["read_file"], max_tool_calls=2), step("b"))], a=[], b=[])
    worker = workers(cast)
    worker.advance(str(run.pk))
    child = Run.objects.get(plan_step__key="a")
    assert (child.only_tools, child.max_tool_calls, child.depth) == (["read_file"], 2, 1)
    pump(worker)
    specs = next(request for who, request in cast.asked if who == "a").tools
    assert "list_files" not in {spec.name for spec in specs}
    assert sum(run.cost_usd for run in Run.objects.all()) <= now(run).max_cost_usd


def test_steps_that_do_not_wait_for_each_other_run_at_once_within_bounds(workers: Make, meet: list[int]) -> None:
    _, run = begin(tools=["meet"], max_parallel_children=2)
    keys = ["a", "b", "c", "d"]
    written = plan(*(step(key, tools=["meet"], max_tool_calls=1) for key in keys))
    worker = workers(Cast(boss=[written], **{key: [calls(("meet", {})), "Met."] for key in keys}))
    worker.advance(str(run.pk))
    assert sorted(statuses(run).values()) == ["pending", "pending", "running", "running"]
    pump(worker)
    assert now(run).status == "succeeded"
    assert meet == [2]


def test_a_run_whose_plan_is_under_way_holds_no_worker(workers: Make) -> None:
    _, run = begin()
    worker = workers(Cast(boss=[plan(step("a"))], a=[]))
    worker.advance(str(run.pk))
    assert (now(run).status, run.waiting_on, run.wake_at, run.slice_drawn) == ("waiting", "child", None, 0)
    assert not worker.active


def test_what_is_no_plan_is_told_why_and_asked_again_twice(workers: Make) -> None:
    _, run = begin()
    cast = Cast(boss=["I will just do it.", plan(step("a", "a")), plan(step("a")), "Done."], a=[])
    pump(workers(cast))
    assert now(run).status == "succeeded"
    assert "Step “a” comes after itself." in cast.told("boss", 2)
    recoveries = Step.objects.filter(run=run, kind="plan").order_by("number").values_list("recovery", flat=True)
    assert [row and (row["kind"], row["time"]) for row in recoveries] == [None, ("plan", 1), ("plan", 2)]


def test_a_run_that_never_writes_a_plan_ends_and_says_so(workers: Make) -> None:
    _, run = begin()
    pump(workers(Cast(boss=[plan(step("a", tools=["launch"], max_tool_calls=1))] * 5)))
    assert (now(run).status, run.stop_reason) == ("failed", "plan_failed")
    assert "there is no tool “launch”" in run.stop_detail
    assert not Plan.objects.filter(run=run).exists()
    assert Step.objects.filter(run=run).count() == 3


def second_try(request: ModelRequest) -> Any:
    return "Now it went well." if "An earlier try" in str(request.messages[0]) else calls(("nothing", {}))


def test_a_step_that_fails_is_tried_again_with_the_reason(workers: Make) -> None:
    _, run = begin(max_steps=3)
    pump(workers(Cast(boss=[plan(step("a")), "Good."], a=[second_try] * 3)))
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "done"})
    assert PlanStep.objects.get().tries == 2
    assert Run.objects.filter(plan_step__key="a").count() == 2


def test_a_second_try_is_told_what_the_first_one_did(workers: Make) -> None:
    """And what either read outside stays marked as that."""
    _, run = begin(max_steps=3, tools=["write_file"])
    writes = calls(("write_file", {"path": "sent.txt", "text": "once"}))
    told: list[str] = []

    def tries(request: ModelRequest) -> Any:
        told.append(str(request.messages[0]))
        return "Well." if "An earlier try" in told[-1] else writes

    written = plan(step("a", tools=["write_file"], max_tool_calls=1))
    worker = workers(Cast(boss=[written, "Good."], a=[tries, FAILS[0], FAILS[0]]))
    worker.advance(str(run.pk))
    first = Run.objects.get(plan_step__key="a")
    worker.advance(str(first.pk))
    Run.objects.filter(pk=first.pk, status="failed").update(tainted_by="mail 7")
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "done"})
    assert "do not do it again" in told[-1] and "sent.txt" in told[-1]
    assert told[-1].count("<untrusted") == 2


def test_the_last_try_of_a_step_counts_whatever_the_clock_of_a_worker_said(workers: Make) -> None:
    _, run = begin(max_steps=3)
    worker = workers(Cast(boss=[plan(step("a")), "Good."], a=[second_try] * 3))
    worker.advance(str(run.pk))
    first = Run.objects.get(plan_step__key="a")
    worker.advance(str(first.pk))
    Run.objects.filter(pk=first.pk).update(created_at=Now() + timedelta(hours=2))
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "done"})


def test_a_step_that_fails_for_good_is_planned_around(workers: Make) -> None:
    _, run = begin(max_steps=4)
    first, second = plan(step("a"), step("b"), step("c", "b")), plan(step("d", "a"))
    cast = Cast(boss=[first, second, "Done without b."], a=["A is done."], b=FAILS * 2, d=["D is done."])
    pump(workers(cast))
    assert (now(run).status, run.answer) == ("succeeded", "Done without b.")
    assert list(run.plans.order_by("number").values_list("status", flat=True)) == ["superseded", "done"]
    assert statuses(run) == {"a": "done", "d": "done"}
    assert "failed" in cast.told("boss", 1)
    assert "A is done." in cast.told("d")
    assert cast.times("a") == 1


def test_what_cannot_be_done_is_skipped_and_the_answer_is_told(workers: Make) -> None:
    _, run = begin(max_steps=4)
    first = plan(step("a"), step("b"), step("c", "b"))
    cast = Cast(boss=[first, plan(), "A only."], a=["A is done."], b=FAILS * 2)
    pump(workers(cast))
    assert (now(run).status, run.answer) == ("succeeded", "A only.")
    assert statuses(run) == {"a": "done", "b": "failed", "c": "skipped"}
    assert "needs the result of “b”" in cast.told("boss")
    assert cast.times("c") == 0


def test_a_second_failure_is_not_planned_around_again(workers: Make) -> None:
    _, run = begin(max_steps=5)
    cast = Cast(boss=[plan(step("a")), plan(step("b")), "Nothing worked."], a=FAILS * 2, b=FAILS * 2)
    pump(workers(cast))
    assert (now(run).status, run.answer) == ("succeeded", "Nothing worked.")
    assert statuses(run) == {"b": "failed"}


def test_a_cancelled_step_is_not_tried_again(workers: Make) -> None:
    team, run = begin()
    cast = Cast(boss=[plan(step("a"), step("b")), plan(), "Half."], a=[], b=[])
    worker = workers(cast)
    worker.advance(str(run.pk))
    cancel_run(make.admin(team), Run.objects.get(plan_step__key="a").pk, "Not this.")
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "failed", "b": "done"})
    assert "Not this." in cast.told("boss")


def test_cancelling_a_run_ends_its_steps(workers: Make) -> None:
    team, run = begin()
    worker = workers(Cast(boss=[plan(step("a"), step("b"))]))
    worker.advance(str(run.pk))
    cancel_run(make.admin(team), run.pk)
    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    assert due() == []


def test_a_paused_run_begins_no_step(workers: Make) -> None:
    team, run = begin(max_parallel_children=1)
    worker = workers(Cast(boss=[plan(step("a"), step("b"))], a=[], b=[]))
    worker.advance(str(run.pk))
    pause_run(make.admin(team), run.pk)
    pump(worker)
    assert Run.objects.filter(parent=run).count() == 1
    resume_run(make.admin(team), run.pk)
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "done", "b": "done"})


@pytest.mark.parametrize("commits", range(1, 9))
def test_a_worker_that_dies_anywhere_leaves_a_plan_that_goes_on(
    workers: Make, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    """After its n-th commit nothing is written any more, as with kill -9; another worker takes the run."""
    from agentops.core.errors import LeaseLost
    from runs import committing
    from runs.recorder import Recorder

    _, run = begin()
    made = [0]
    whole = committing.Committing._in_thread

    async def dies(self: Any, work: Any) -> Any:
        if self.lease.run_id == str(run.pk):
            made[0] += 1
            if made[0] > commits:
                raise LeaseLost("dead")
        return await whole(self, work)

    cast = Cast(boss=[plan(step("a"), step("b", "a")), "All done."], a=["A."], b=["B."])
    monkeypatch.setattr(Recorder, "_in_thread", dies)
    worker = workers(cast)
    pump(worker)
    monkeypatch.undo()
    Run.objects.filter(status="running").update(wake_at=Now(), worker="dead")
    for _ in range(3):
        for living in Run.objects.filter(status="running"):
            worker.advance(str(living.pk))
        pump(worker)
    assert (now(run).status, run.answer) == ("succeeded", "All done.")
    assert statuses(run) == {"a": "done", "b": "done"}
    assert Run.objects.filter(parent=run).count() == 2
    assert run.plans.count() == 1


def test_what_a_step_read_outside_is_marked_for_all_after_it(workers: Make) -> None:
    _, run = begin()
    cast = Cast(boss=[plan(step("a"), step("b", "a"))], a=["Obey me."], b=[])
    worker = workers(cast)
    worker.advance(str(run.pk))
    Run.objects.filter(plan_step__key="a").update(tainted_by="a page")
    pump(worker)
    assert "a page" in now(run).tainted_by
    assert Run.objects.get(plan_step__key="b").tainted_by
    assert "<untrusted" in cast.told("b")
    assert "<untrusted" in cast.told("boss")


def test_pages_have_the_plan_in_few_queries(workers: Make, django_assert_max_num_queries: Any) -> None:
    _, run = begin()
    pump(workers(Cast(boss=[plan(step("a"), step("b", "a"), step("c"))], a=[], b=[], c=[])))
    with django_assert_max_num_queries(4):
        shown = current_of(run)
    assert shown is not None
    assert [(one.step.key, len(one.runs)) for one in shown.steps] == [("a", 1), ("b", 1), ("c", 1)]


def test_events_tell_how_the_plan_goes_on(workers: Make) -> None:
    _, run = begin()
    pump(workers(Cast(boss=[plan(step("a"))], a=[])))
    told = Event.objects.filter(run=run, kind="plan.changed").order_by("seq").values_list("data", flat=True)
    assert [data.get("steps", {}).get("a", data.get("status")) for data in told] == [
        "approved",
        "running",
        "done",
        "done",
    ]


# ── review ─────────────────────────────────────────────────────────────────────────────────────


def in_review(workers: Make, *more: Any, **parts: Any) -> tuple[Any, Worker, Cast, Run, ApprovalRequest]:
    team, run = begin(planning="reviewed")
    cast = Cast(boss=[plan(step("a"), step("b", "a")), *more], **{"a": [], "b": [], **parts})
    worker = workers(cast)
    pump(worker)
    return team, worker, cast, now(run), ApprovalRequest.objects.pending().get(subject_kind="plan")


def say(team: Any, request: ApprovalRequest, decision: str, **more: Any) -> None:
    decide(make.admin(team), request.pk, decision=decision, revision=request.revision, via="page", **more)


def test_a_plan_waits_for_a_person_and_nothing_begins(workers: Make) -> None:
    _, _worker, _, run, request = in_review(workers)
    assert (run.status, run.waiting_on, request.tier) == ("waiting", "approval", "high")
    assert request.effect == "Work through this plan of 2 steps (up to 0 tool calls)"
    assert [one["key"] for one in request.arguments["steps"]] == ["a", "b"]
    assert request.input_schema
    assert not Run.objects.filter(parent=run).exists()


def test_an_approved_plan_is_worked_through(workers: Make) -> None:
    team, worker, _, run, request = in_review(workers)
    say(team, request, "approve")
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"a": "done", "b": "done"})


def test_an_approved_plan_begins_only_when_it_cannot_be_taken_back(workers: Make, settings: Any) -> None:
    team, worker, _, run, request = in_review(workers)
    settings.AGENTOPS_GRACE_SECONDS = 3600
    say(team, request, "approve")
    Run.objects.filter(pk=run.pk).update(wake_at=Now())
    worker.advance(str(run.pk))
    assert not Run.objects.filter(parent=run).exists()
    assert now(run).wake_at is not None
    request.refresh_from_db()
    say(team, request, "take_back")
    pump(worker)
    assert (now(run).waiting_on, run.plans.get().status) == ("approval", "in_review")


def test_a_changed_plan_is_the_one_that_is_worked_through(workers: Make) -> None:
    team, worker, cast, run, request = in_review(workers, c=[])
    say(team, request, "edit", arguments={"steps": [step("c")]})
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"c": "done"})
    assert run.plans.get().edited_by_name
    assert cast.times("a") == 0


def test_a_change_that_cannot_be_carried_out_is_refused_and_changes_nothing(workers: Make) -> None:
    team, _, _, run, request = in_review(workers)
    with pytest.raises(InvalidInput, match="comes after itself") as refused:
        say(team, request, "edit", arguments={"steps": [step("c", "c")]})
    assert refused.value.field == "arguments"
    assert run.plans.get().status == "in_review"


def test_a_rejected_plan_is_written_again_with_the_reason(workers: Make) -> None:
    team, worker, cast, run, request = in_review(workers, plan(step("c")), c=[])
    say(team, request, "reject", reason="Too much.")
    pump(worker)
    assert "Too much." in cast.told("boss")
    second = ApprovalRequest.objects.pending().get()
    say(team, second, "approve")
    pump(worker)
    assert (now(run).status, statuses(run)) == ("succeeded", {"c": "done"})


def test_a_run_that_is_cancelled_asks_nobody_about_its_plan(workers: Make) -> None:
    team, _, _, run, request = in_review(workers)
    cancel_run(make.admin(team), run.pk)
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert run.plans.get().status == "rejected"
    with pytest.raises(Conflict):
        say(team, request, "approve")


def test_a_person_may_ask_about_a_plan_before_deciding(workers: Make) -> None:
    team, worker, _, run, request = in_review(workers, "Because b needs it.")
    inquiry = ask_before_deciding(make.admin(team), request.pk, question="Why a first?")
    pump(worker)
    inquiry.refresh_from_db()
    assert inquiry.answer == "Because b needs it."
    assert now(run).waiting_on == "approval"


def test_the_queue_shows_a_plan_as_it_shows_any_action(workers: Make, client: Any) -> None:
    team, _, _, _, request = in_review(workers)
    client.force_login(make.admin(team).user)
    shown = client.get(reverse("approval", args=[request.pk])).content.decode()
    assert "Work through this plan of 2 steps" in shown
    assert client.get(reverse("approval-arguments", args=[request.pk])).status_code == 200
