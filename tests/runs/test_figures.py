"""Figures by the hour against the rows they count, whatever changed late, was down, or ran at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from agentops.accounts.models import Team
from runs import figures, rollup
from runs.models import (
    DailySpend,
    FiguresClock,
    HourlyDecisions,
    HourlyRuns,
    HourlySpend,
    HourlyTools,
    ModelCall,
    Plan,
    PlanStep,
    Run,
    StaleHour,
    Step,
    ToolCall,
)
from tests.approvals import factories as approvals

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
ENDED = ["succeeded", "failed", "cancelled"]


def run_at(at: datetime, of: Team, agent: str = "desk", ends: str = "succeeded", **values: Any) -> Run:
    limits = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9000, "max_cost_usd": 1, "max_seconds": 60}
    row = Run.objects.create(team=of, agent_name=agent, goal="g", started_by_name="ada", **{**limits, **values})
    Run.objects.filter(pk=row.pk).update(created_at=at, status=ends, ended_at=at + timedelta(minutes=5))
    return row


def step_of(run: Run, number: int, at: datetime) -> Step:
    return Step.objects.create(run=run, number=number, status="answered", fence=1, input={}, opened_at=at)


def bill(step: Step, at: datetime, cost: str = "0.01", **values: Any) -> ModelCall:
    known = {"number": 1, "provider": "p", "model": "claude-sonnet-4-5", "duration_ms": 900, "price_source": "test"}
    tokens = {"input_tokens": 100, "output_tokens": 10}
    return ModelCall.objects.create(
        step=step, run=step.run, started_at=at, cost_usd=Decimal(cost), **{**known, **tokens, **values}
    )


def call(step: Step, at: datetime, status: str = "succeeded", tool: str = "look", **values: Any) -> ToolCall:
    known = {"tool_use_id": "t", "raw_arguments": {}, "arguments": {}, "duration_ms": 40, "position": 0}
    return ToolCall.objects.create(
        run=step.run, step=step, tool=tool, status=status, proposed_at=at, ended_at=at, **{**known, **values}
    )


def a_week(teams: list[Team], seed: int = 7) -> None:
    dice = random.Random(seed)
    now = timezone.now()
    for number in range(40):
        at = now - timedelta(minutes=dice.randrange(7 * 24 * 60))
        row = run_at(
            at, dice.choice(teams), dice.choice(["desk", "clerk"]), dice.choice(ENDED), steps=number, active_ms=number
        )
        for turn in range(1, 4):
            step = step_of(row, turn, at)
            failed = dice.random() < 0.3
            bill(
                step, at + timedelta(minutes=turn), cost="0.00123456", estimated=failed, error_kind="x" * failed,
                cache_read_tokens=dice.randrange(90),
            )  # fmt: skip
            call(step, at + timedelta(minutes=turn), dice.choice(["succeeded", "failed", "invalid", "rejected"]))


def until_done() -> None:
    while rollup._advance():
        pass


def spend_by_hour(rows: Any, hour: str | TruncHour) -> dict[Any, Any]:
    found = (
        rows.annotate(h=F(hour) if isinstance(hour, str) else hour)
        .order_by()
        .values("h")
        .annotate(cost=Sum("cost_usd"), tokens=Sum("input_tokens"))
    )
    return {row["h"]: (row["cost"], row["tokens"]) for row in found}


def assert_true() -> None:
    """Every figure is what the rows add up to."""
    started = TruncHour("started_at", tzinfo=UTC)
    assert spend_by_hour(HourlySpend.objects, "hour") == spend_by_hour(ModelCall.objects, started)
    for status in ENDED:
        assert HourlyRuns.objects.aggregate(n=Sum(status))["n"] == Run.objects.filter(status=status).count()
        ends = Run.objects.filter(status=status).order_by().annotate(h=TruncHour("ended_at", tzinfo=UTC))
        direct = {row["h"]: row["n"] for row in ends.values("h").annotate(n=Count("id"))}
        counted = HourlyRuns.objects.filter(**{f"{status}__gt": 0}).order_by().values("hour").annotate(n=Sum(status))
        assert {row["hour"]: row["n"] for row in counted} == direct
    ran = Q(status__in=["succeeded", "failed", "invalid", "rejected"])
    hours = ToolCall.objects.filter(ran).order_by().annotate(h=TruncHour("ended_at", tzinfo=UTC)).values("h", "tool")
    direct = {(row["h"], row["tool"]): row["n"] for row in hours.annotate(n=Count("id"))}
    counted = HourlyTools.objects.order_by().values("hour", "tool").annotate(n=Sum("calls"))
    assert {(row["hour"], row["tool"]): row["n"] for row in counted} == direct


def test_what_serves_a_task_counts_with_it_and_not_beside_it() -> None:
    """Steps of a plan and undoing are runs to the engine; to a person there was one task, which cost all of it."""
    at, team = timezone.now() - timedelta(hours=3), make.team()
    task = run_at(at, team, steps=3, cost_usd=1)
    planned = PlanStep.objects.create(
        plan=Plan.objects.create(run=task, number=1),
        key="a",
        title="A",
        instruction="Do.",
        position=0,
        max_tool_calls=0,
    )
    run_at(at, team, ends="failed", parent=task, plan_step=planned, steps=4, cost_usd=Decimal("0.5"))
    run_at(at, team, undoes=task)
    run_at(at, team, agent="clerk", parent=task, steps=2)
    until_done()
    desk = HourlyRuns.objects.filter(agent="desk").aggregate(
        started=Sum("started"), good=Sum("succeeded"), bad=Sum("failed"), steps=Sum("steps"), cost=Sum("cost_usd")
    )
    assert desk == {"started": 1, "good": 1, "bad": 0, "steps": 7, "cost": Decimal("1.5")}
    assert sum(sum(row.durations) for row in HourlyRuns.objects.filter(agent="desk")) == 1
    assert HourlyRuns.objects.filter(agent="clerk").aggregate(n=Sum("succeeded")) == {"n": 1}


def test_figures_are_what_the_rows_add_up_to() -> None:
    a_week([make.team(), make.team()])
    until_done()
    assert_true()
    total = ModelCall.objects.aggregate(cost=Sum("cost_usd"), bad=Count("id", filter=~Q(error_kind="")))
    days = DailySpend.objects.aggregate(cost=Sum("cost_usd"), bad=Sum("failed_attempts"), guessed=Sum("estimated_usd"))
    assert (days["cost"], days["bad"]) == (total["cost"], total["bad"])
    assert days["guessed"] == ModelCall.objects.filter(estimated=True).aggregate(cost=Sum("cost_usd"))["cost"]


def test_completed_is_counted_apart_from_ended() -> None:
    at, of = timezone.now() - timedelta(hours=3), make.team()
    for ends, outcome in (
        ("succeeded", "completed"),
        ("succeeded", "not_completed"),
        ("succeeded", ""),
        ("failed", "not_completed"),
        ("cancelled", ""),
    ):
        run_at(at, of, ends=ends, outcome=outcome)
    until_done()
    counted = HourlyRuns.objects.aggregate(
        *(Sum(name) for name in ("succeeded", "completed", "not_completed", "missed"))
    )
    assert counted == {"succeeded__sum": 3, "completed__sum": 1, "not_completed__sum": 2, "missed__sum": 1}


def test_a_second_round_changes_nothing_and_counts_nothing_twice() -> None:
    a_week([make.team()])
    until_done()
    before = sorted(HourlySpend.objects.values_list("hour", "agent", "cost_usd"))
    until_done()
    assert sorted(HourlySpend.objects.values_list("hour", "agent", "cost_usd")) == before
    assert_true()


def test_a_downtime_of_days_is_caught_up_with() -> None:
    ours = make.team()
    FiguresClock.objects.create(pk=FiguresClock.ONLY, covered_until=timezone.now() - timedelta(days=8))
    a_week([ours])
    StaleHour.objects.all().delete()
    until_done()
    assert_true()


def test_a_bill_that_comes_hours_later_is_counted_in_its_hour() -> None:
    ours, early = make.team(), timezone.now() - timedelta(hours=30)
    step = step_of(run_at(early, ours), 1, early)
    bill(step, early)
    until_done()
    bill(step, early, cost="0.5", number=2)
    until_done()
    assert HourlySpend.objects.get().cost_usd == Decimal("0.51")
    assert not StaleHour.objects.exists()


def test_a_run_that_goes_on_after_its_end_is_no_longer_counted_as_failed() -> None:
    early = timezone.now() - timedelta(hours=30)
    row = run_at(early, make.team(), ends="failed")
    until_done()
    assert HourlyRuns.objects.aggregate(n=Sum("failed"))["n"] == 1
    Run.objects.filter(pk=row.pk).update(status="running", ended_at=None)
    until_done()
    assert HourlyRuns.objects.aggregate(n=Sum("failed"))["n"] == 0
    Run.objects.filter(pk=row.pk).update(status="succeeded", ended_at=timezone.now())
    until_done()
    assert HourlyRuns.objects.get(succeeded=1).hour > early + timedelta(hours=24)
    assert_true()


def test_money_booked_on_a_run_after_its_end_reaches_its_hour() -> None:
    row = run_at(timezone.now() - timedelta(hours=30), make.team())
    until_done()
    Run.objects.filter(pk=row.pk).update(cost_usd=F("cost_usd") + Decimal("0.25"))
    until_done()
    assert HourlyRuns.objects.get(succeeded=1).cost_usd == Decimal("0.25")


def test_what_is_tried_again_is_no_first_try() -> None:
    at = timezone.now() - timedelta(hours=3)
    row = run_at(at, make.team())
    for number, status in enumerate(["failed", "succeeded", "succeeded", "invalid", "failed"], start=1):
        call(step_of(row, number, at), at, status)
    until_done()
    counted = HourlyTools.objects.get()
    assert (counted.calls, counted.first_tries, counted.first_succeeded) == (5, 3, 1)


def test_rounds_at_once_do_the_work_once() -> None:
    a_week([make.team()])
    make.at_once(*[rollup.refresh] * 4)
    until_done()
    assert_true()


def test_a_round_rests_after_a_long_one() -> None:
    FiguresClock.objects.create(pk=FiguresClock.ONLY, covered_until=timezone.now(), took_ms=60_000)
    assert rollup.refresh() == 0
    rollup.rebuild()
    assert rollup.refresh() > 0


def test_what_the_cache_saved_is_kept_with_the_spend() -> None:
    at = timezone.now() - timedelta(hours=3)
    step = step_of(run_at(at, make.team()), 1, at)
    bill(step, at, input_tokens=1_000_000, cache_read_tokens=1_000_000)
    until_done()
    assert HourlySpend.objects.get().saved_usd == Decimal("2.7")


def test_decisions_of_people_are_counted_with_their_wait() -> None:
    at = timezone.now() - timedelta(hours=2)
    request = approvals.request(make.team())
    type(request).objects.filter(pk=request.pk).update(
        status="rejected", created_at=at - timedelta(minutes=3), decided_at=at, decided_by_name="ada"
    )
    FiguresClock.objects.create(pk=FiguresClock.ONLY, covered_until=at)
    until_done()
    assert HourlyDecisions.objects.values_list("decided", "waited_ms").get() == (1, 180_000)


def test_percentiles_come_from_counts() -> None:
    counts = [0] * figures.BUCKETS
    counts[figures.BOUNDS_MS.index(1_000)] = 90
    counts[figures.BOUNDS_MS.index(5_000)] = 10
    assert figures.percentile(counts, 0.5) == pytest.approx(889, abs=1)
    assert figures.percentile(counts, 0.95) == 4_000
    assert figures.percentile([0] * figures.BUCKETS, 0.95) is None
    assert figures.add(counts, counts)[figures.BOUNDS_MS.index(1_000)] == 180
