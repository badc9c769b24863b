"""The overview's figures and findings: true, of one's own teams, and the same number of queries whatever there is."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.access import Actor
from agentops.accounts.models import Membership, Team
from approvals.models import ApprovalRequest
from runs import figures, ledger
from runs.models import Budget, FiguresClock, HourlyDecisions, HourlyRuns, HourlySpend, HourlyTools, Run
from runs.pages import bars, health, unusual
from runs.pages.vitals import Vitals

pytestmark = pytest.mark.django_db
LIMITS = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9000, "max_cost_usd": 1, "max_seconds": 60}


@pytest.fixture(autouse=True)
def all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis answers and a worker lives, whatever the machine of the test has."""
    monkeypatch.setattr("runs.pages.vitals.look", lambda: Vitals(True, True))


def team(name: str = "Shop") -> Team:
    return Team.objects.create(name=name, slug=name.lower())


def viewer(of: Team, name: str = "ada") -> Actor:
    who, _ = User.objects.get_or_create(username=name)
    Membership.objects.get_or_create(team=of, user=who, role="viewer")
    return Actor(who)


def hours_ago(hours: int) -> datetime:
    return health.hour_of(timezone.now()) - timedelta(hours=hours)


def ended(of: Team, at: datetime, **values: Any) -> None:
    durations = [0] * figures.BUCKETS
    durations[figures.BOUNDS_MS.index(30_000)] = 10
    HourlyRuns.objects.create(team=of, agent="desk", hour=at, durations=durations, **values)


def called(of: Team, tool: str, **values: int) -> None:
    HourlyTools.objects.create(team=of, tool=tool, hour=hours_ago(1), durations=[0] * figures.BUCKETS, **values)


def words(actor: Actor, clock: FiguresClock | None = None) -> str:
    return " / ".join(one.words for one in unusual.found(actor, health.look(actor), bars.of(actor), clock))


def sign_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)  # type: ignore[arg-type]
    return client


def page(actor: Actor) -> str:
    return sign_in(actor).get(reverse("overview")).content.decode()


def test_completion_counts_criteria_where_there_are_some_and_says_so() -> None:
    ours = team()
    ended(ours, hours_ago(2), succeeded=6, failed=4)
    (metric, *_others) = health.metrics(health.look(viewer(ours)))
    assert (metric.value, metric.hint) == ("60 %", "6 of 10 ended with an answer; no success criteria")
    assert metric.link.endswith("status=failed")
    ended(ours, hours_ago(1), succeeded=9, failed=1, completed=3, not_completed=6, missed=5)
    (metric, *_others) = health.metrics(health.look(viewer(ours)))
    assert metric.value == "50 %", "15 answered; 5 of them missed their criteria"
    assert metric.hint == "10 of 20; 3 of 9 by success criteria, the others by ending with an answer"
    assert metric.link.endswith("outcome=not_completed")


def test_metrics_stand_beside_their_targets() -> None:
    ours, theirs = team(), team("Rivals")
    ended(ours, hours_ago(2), started=12, succeeded=6, failed=4, steps=50, cost_usd=Decimal("1.2"))
    ended(ours, hours_ago(0), started=1)
    ended(ours, hours_ago(30), failed=100)
    ended(theirs, hours_ago(2), failed=999)
    called(ours, "look", first_tries=10, first_succeeded=9, succeeded=9, failed=1)
    HourlyDecisions.objects.create(team=ours, hour=hours_ago(3), decided=2, waited_ms=90_000)
    shown = {metric.name: metric for metric in health.metrics(health.look(viewer(ours)))}
    values = {name: (metric.value, metric.met) for name, metric in shown.items()}
    assert values == {
        "Task completion": ("60 %", False),
        "First-try tool success": ("90 %", True),
        "Steps a task": ("5.0", True),
        "Cost a success": ("$0.2000", None),
        "p95 working time": ("30 s", True),
        "Time to decide": ("45 s", None),
    }
    assert "together 60 %" in shown["Task completion"].line
    assert health.look(viewer(ours)).total.started == 13


def test_without_figures_nothing_is_claimed() -> None:
    actor = viewer(team())
    assert [metric.value for metric in health.metrics(health.look(actor))] == ["–"] * 6
    assert all(metric.met is None for metric in health.metrics(health.look(actor)))
    assert words(actor) == ""
    shown = page(actor)
    assert "Nothing in the last 24 hours." in shown and "not counted yet" in shown


def test_failures_beyond_the_target_are_unusual_once_there_are_enough() -> None:
    ours = team()
    ended(ours, hours_ago(2), succeeded=1, failed=3)
    assert "tasks failed" not in words(viewer(ours))
    ended(ours, hours_ago(3), failed=1)
    assert "4 of 5 tasks failed in 24 hours" in words(viewer(ours))


def test_a_tool_that_fails_too_often_is_named_and_linked() -> None:
    ours = team()
    called(ours, "send_email", succeeded=8, failed=2)
    called(ours, "look", succeeded=99, failed=1)
    called(ours, "made_up", invalid=50)
    assert words(viewer(ours)) == "send_email failed 2 of 10 times in 24 hours"
    assert reverse("tool", args=["send_email"]) in page(viewer(ours))


def test_an_hour_that_costs_twice_the_usual_is_unusual() -> None:
    ours = team()
    spend = {"team": ours, "agent": "a", "model": "m", "started_by": "p", "price_source": "s"}
    for days in range(1, 8):
        HourlySpend.objects.create(hour=hours_ago(1 + 24 * days), cost_usd=Decimal(days), **spend)
    last = HourlySpend.objects.create(hour=hours_ago(1), cost_usd=Decimal(8), **spend)
    assert words(viewer(ours)) == ""
    last.cost_usd = Decimal("8.01")
    last.save()
    assert words(viewer(ours)) == "The last hour cost $8.01; usual at this time is $4.00"


def test_a_budget_that_is_nearly_or_wholly_used_is_unusual() -> None:
    ours = team()
    for period, spent in (("day", "4.60"), ("month", "9")):
        budget = Budget.objects.create(team=ours, period=period, limit_usd=5 if period == "day" else 9)
        first = ledger.today() if period == "day" else ledger.today().replace(day=1)
        budget.accounts.create(starts_on=first, spent=Decimal(spent))
    said = words(viewer(ours))
    assert "The budget for Shop a day is 92 % used" in said
    assert "The budget for Shop a month is used up" in said


def test_a_rule_that_cannot_be_evaluated_is_unusual() -> None:
    ours = team()
    ApprovalRequest.objects.create(
        team=ours, tier="high", tool="t", arguments={}, effect="e", bound_hash="h", subject_kind="k", subject_id="1",
        rule_error="no such field",
    )  # fmt: skip
    assert "1 request came by a rule that could not be evaluated" in words(viewer(ours))


@pytest.mark.parametrize(
    ("state", "said"),
    [(Vitals(False, False), "Redis does not answer"), (Vitals(True, False), "No worker is running")],
)
def test_machines_that_are_gone_are_unusual(monkeypatch: pytest.MonkeyPatch, state: Vitals, said: str) -> None:
    monkeypatch.setattr("runs.pages.vitals.look", lambda: state)
    assert said in words(viewer(team()))


def test_figures_that_nobody_counts_are_unusual() -> None:
    clock = FiguresClock(covered_until=timezone.now() - timedelta(minutes=6))
    assert "figures are not being counted" in words(viewer(team()), clock)


def test_a_question_is_told_from_a_decision() -> None:
    ours = team()
    ApprovalRequest.objects.create(
        team=ours, tier="low", tool="ask_human", arguments={}, effect="Which address?", bound_hash="h",
        subject_kind="k", subject_id="1", wants="answer",
    )  # fmt: skip
    shown = page(viewer(ours))
    assert "Question" in shown and "Which address?" in shown


def test_the_page_takes_the_same_number_of_queries_however_much_there_is(
    django_assert_max_num_queries: Any,
) -> None:
    ours = team()
    actor = viewer(ours)
    for number in range(12):
        Run.objects.create(team=ours, agent_name="desk", goal="g", status="running", **LIMITS)
        Run.objects.create(team=ours, agent_name="desk", goal="g", status="waiting", waiting_on="budget", **LIMITS)
        ended(ours, hours_ago(number), failed=2)
        called(ours, f"tool{number}", failed=20)
        Budget.objects.create(team=team(f"T{number}"), period="day", limit_usd=1)
    client = sign_in(actor)
    with django_assert_max_num_queries(22):
        client.get(reverse("overview"))
