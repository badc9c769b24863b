"""Schedules fire once for each due time, in their owner's name, or say why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from agentops.accounts.models import Membership, Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions, sweep
from runs.actions import firing
from runs.actions.triggers import state_of
from runs.models import Agent, AgentVersion, Event, Firing, Run, Trigger

from . import factories

pytestmark = pytest.mark.django_db

HOURLY = {"cron": "0 * * * *", "timezone": "UTC"}


def schedule(due: timedelta | None = timedelta(seconds=1), **options: Any) -> Trigger:
    """An hourly one that has been due for this long."""
    of = options.pop("of", None) or factories.team()
    owner = options.pop("owner", None) or factories.person(of, Role.OPERATOR)
    found = options.pop("agent", None) or factories.agent(of).name
    known = {"kind": "schedule", "name": "Hourly", "goal": "Look around.", **HOURLY}
    made = actions.create_trigger(owner, agent=found, team=of.slug, **{**known, **options})
    if due is not None:
        made.next_at = timezone.now() - due
        made.save()
    return made


def results(of: Trigger) -> list[tuple[str, str]]:
    return [(one.result, one.reason) for one in of.firings.order_by("pk")]


def test_a_due_schedule_starts_its_run_and_is_due_again_later() -> None:
    trigger = schedule(limits={"max_cost_usd": "0.50", "max_steps": 3}, priority=1)
    due = trigger.next_at
    assert actions.fire_due() == 1
    run = Run.objects.get()
    assert (run.goal, run.started_via, run.started_by, run.priority) == ("Look around.", "schedule", trigger.owner, 1)
    assert (run.max_steps, f"{run.max_cost_usd:f}", run.tainted_by, run.status) == (3, "0.50000000", "", "queued")
    assert Event.objects.filter(run=run, kind="run.changed").exists()
    fired = trigger.firings.get()
    assert (fired.result, fired.run, fired.due_at, fired.test) == ("started", run, due, False)
    trigger.refresh_from_db()
    assert trigger.next_at > timezone.now() and actions.fire_due() == 0


def test_what_is_not_due_or_switched_off_starts_nothing() -> None:
    schedule(due=None)
    off = schedule()
    Trigger.objects.filter(pk=off.pk).update(active=False)
    assert actions.fire_due() == 0 and not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_fire_once() -> None:
    triggers = [schedule() for _ in range(5)]
    done = factories.at_once(*[actions.fire_due] * 4)
    assert sum(done) == 5
    assert Run.objects.count() == 5 and Firing.objects.count() == 5
    assert {one.firings.get().result for one in triggers} == {"started"}


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_dies_in_the_middle_leaves_nothing_and_the_next_one_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = schedule()
    due = trigger.next_at
    with monkeypatch.context() as context:

        def die(self: Trigger, **_: Any) -> None:
            raise KeyboardInterrupt

        context.setattr(Trigger, "save", die)
        with pytest.raises(KeyboardInterrupt):
            actions.fire_due()
    trigger.refresh_from_db()
    assert (Run.objects.count(), Firing.objects.count(), trigger.next_at) == (0, 0, due)
    assert actions.fire_due() == 1 and Run.objects.count() == 1


def test_an_error_of_ours_holds_up_no_other_schedule_and_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, well = schedule(due=timedelta(seconds=9)), schedule()
    real = firing._fire

    def fire(trigger: Trigger) -> None:
        if trigger.pk == broken.pk:
            raise RuntimeError("a bug")
        real(trigger)

    monkeypatch.setattr(firing, "_fire", fire)
    assert actions.fire_due() == 2
    assert results(well) == [("started", "")]
    assert results(broken) == [("refused", "Something went wrong on our side; it is in the log.")]
    broken.refresh_from_db()
    assert broken.next_at > timezone.now()


def test_a_clock_that_was_set_back_starts_no_second_run() -> None:
    trigger = schedule()
    due = trigger.next_at
    actions.fire_due()
    Run.objects.update(status="succeeded", ended_at=timezone.now())
    Trigger.objects.update(next_at=due)
    assert actions.fire_due() == 1
    assert Run.objects.count() == 1 and trigger.firings.count() == 1


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("skip", ["skipped"]), ("once", ["started"]), ("all", ["started"] * 3)],
)
def test_times_missed_in_a_downtime_follow_the_policy(missed: str, expected: list[str]) -> None:
    now = timezone.now()
    trigger = schedule(missed=missed, overlap=missed == "all", cron=f"{(now - timedelta(minutes=10)).minute} * * * *")
    first = (now - timedelta(minutes=10, hours=2)).replace(second=0, microsecond=0)
    Trigger.objects.update(next_at=first)
    actions.fire_due()
    assert [result for result, _ in results(trigger)] == expected
    said = results(trigger)[0][1]
    if missed == "skip":
        assert said.startswith("3 missed while nothing was running") and f"{first:%H:%M}" in said
    if missed == "once":
        assert said.startswith("It also stands for 2 missed before")
    assert Run.objects.count() == expected.count("started")


def test_a_run_that_has_not_ended_keeps_the_next_from_starting() -> None:
    trigger = schedule()
    actions.fire_due()
    Trigger.objects.update(next_at=timezone.now())
    actions.fire_due()
    assert results(trigger)[1:] == [("skipped", "The run before it has not ended.")]
    Run.objects.update(status="succeeded", ended_at=timezone.now())
    Trigger.objects.update(next_at=timezone.now())
    actions.fire_due()
    assert results(trigger)[2:] == [("started", "")]


def test_a_schedule_may_start_beside_its_last_run() -> None:
    trigger = schedule(overlap=True)
    actions.fire_due()
    Trigger.objects.update(next_at=timezone.now())
    actions.fire_due()
    assert [result for result, _ in results(trigger)] == ["started", "started"]


def lose_role(trigger: Trigger) -> None:
    Membership.objects.update(role=Role.VIEWER)


def deactivate(trigger: Trigger) -> None:
    User.objects.update(is_active=False)


def remove(trigger: Trigger) -> None:
    trigger.owner.delete()


def switch_agent_off(trigger: Trigger) -> None:
    Agent.objects.update(active=False)


def tighten_agent(trigger: Trigger) -> None:
    AgentVersion.objects.update(max_steps=2)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lose_role, "may start no runs in this team any more"),
        (deactivate, "may start no runs in this team any more"),
        (remove, "is gone"),
        (switch_agent_off, "switched off"),
        (tighten_agent, "own limit is 2"),
    ],
)
def test_what_its_owner_may_not_start_at_that_moment_is_refused_and_said(happens: Any, words: str) -> None:
    trigger = schedule(limits={"max_steps": 3})
    happens(trigger)
    assert actions.fire_due() == 1
    [(result, reason)] = results(trigger)
    assert result == "refused" and words in reason
    assert not Run.objects.exists()
    trigger.refresh_from_db()
    assert trigger.next_at > timezone.now()


def test_trying_one_starts_a_run_in_the_name_of_who_asks_and_once() -> None:
    trigger = schedule(due=None)
    ada = factories.admin(trigger.team)
    before = trigger.next_at
    done = actions.try_trigger(ada, trigger, key="k")
    again = actions.try_trigger(ada, trigger, key="k")
    assert done.new and not again.new and done.firing == again.firing
    run = Run.objects.get()
    assert (run.started_by, done.firing.test, done.firing.by_name) == (ada.user, True, str(ada))
    trigger.refresh_from_db()
    assert trigger.next_at == before


def test_a_test_is_no_reason_to_leave_a_time_out() -> None:
    trigger = schedule()
    actions.try_trigger(factories.admin(trigger.team), trigger, key="k")
    actions.fire_due()
    assert [result for result, _ in results(trigger)] == ["started", "started"]


def test_a_viewer_makes_changes_and_tries_nothing() -> None:
    trigger = schedule(due=None)
    viewer = factories.person(trigger.team, Role.VIEWER)
    for act in (
        lambda: schedule(of=trigger.team, owner=viewer, agent=trigger.agent.name, name="Other"),
        lambda: actions.change_trigger(viewer, trigger, goal="Else."),
        lambda: actions.switch_trigger(viewer, trigger, active=False),
        lambda: actions.delete_trigger(viewer, trigger),
        lambda: actions.replace_secret(viewer, trigger),
        lambda: actions.try_trigger(viewer, trigger, key="k"),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert state_of(Trigger.objects.get()) == state_of(trigger) and not Run.objects.exists()


def test_who_changes_what_it_does_gives_it_their_name() -> None:
    trigger = schedule(due=None)
    other = factories.person(trigger.team, Role.OPERATOR)
    changed = actions.change_trigger(other, trigger, goal="Look elsewhere.")
    assert (changed.owner, changed.owner_name, changed.next_at) == (other.user, str(other), trigger.next_at)
    assert actions.switch_trigger(factories.admin(trigger.team), trigger, active=False).owner == other.user


def test_what_is_nobodys_runs_in_the_name_of_who_switches_it_on() -> None:
    trigger = schedule(due=None)
    trigger.owner.delete()
    ada = factories.admin(trigger.team)
    assert actions.switch_trigger(ada, trigger, active=False).owner is None
    assert actions.switch_trigger(ada, trigger, active=True).owner == ada.user


def test_another_time_is_due_from_now_on() -> None:
    trigger = schedule()
    changed = actions.change_trigger(factories.admin(trigger.team), trigger, cron="0 0 1 1 *")
    assert changed.next_at > timezone.now()
    assert (changed.next_at.day, changed.next_at.month) == (1, 1)


def test_what_was_due_while_it_was_off_was_not_missed() -> None:
    trigger = schedule(due=timedelta(hours=5))
    ada = factories.admin(trigger.team)
    assert actions.switch_trigger(ada, trigger, active=False).next_at is None
    assert actions.switch_trigger(ada, trigger, active=True).next_at > timezone.now()
    assert actions.fire_due() == 0


def test_two_people_at_one_form_do_not_overwrite_each_other() -> None:
    trigger = schedule(due=None)
    base = state_of(trigger)
    ada = factories.admin(trigger.team)
    actions.change_trigger(ada, trigger, base=base, goal="First.")
    with pytest.raises(Conflict, match="meanwhile"):
        actions.change_trigger(ada, trigger, base=base, goal="Second.")
    assert Trigger.objects.get().goal == "First."


INPUTS = [
    {"name": "order", "label": "Order", "kind": "text", "required": True, "help": "", "choices": [], "default": None}
]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("kind", {"kind": "tide"}),
        ("name", {"name": " "}),
        ("name", {"name": "x" * 121}),
        ("goal", {"goal": "  "}),
        ("agent", {"agent": "nobody"}),
        ("cron", {"cron": "61 * * * *"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("missed", {"missed": "never"}),
        ("missed", {"missed": "all"}),
        ("priority", {"priority": 7}),
        ("mapping", {"mapping": {"order": "/order"}}),
        ("inputs.order", {"inputs": {}}),
        ("inputs.colour", {"inputs": {"order": "1", "colour": "red"}}),
        ("limits.max_steps", {"limits": {"max_steps": 31}}),
        ("limits.max_stps", {"limits": {"max_stps": 3}}),
    ],
)
def test_what_cannot_work_is_refused_by_its_field_and_nothing_is_made(field: str, given: dict[str, Any]) -> None:
    of = factories.team()
    found = factories.agent(of, inputs=INPUTS)
    with pytest.raises(InvalidInput) as refused:
        schedule(of=of, due=None, **{"agent": found.name, "inputs": {"order": "A-1"}, **given})
    assert refused.value.field == field
    assert not Trigger.objects.exists()


def test_a_name_is_one_triggers_in_its_team() -> None:
    trigger = schedule(due=None)
    with pytest.raises(InvalidInput, match="already") as refused:
        schedule(of=trigger.team, due=None)
    assert refused.value.field == "name"
    schedule(due=None)


def test_history_is_kept_for_a_season_and_runs_for_longer() -> None:
    trigger = schedule()
    actions.fire_due()
    Firing.objects.update(at=timezone.now() - timedelta(days=89))
    assert sweep.forget_firings() == 0
    Firing.objects.update(at=timezone.now() - timedelta(days=91))
    assert sweep.forget_firings() == 1
    assert Run.objects.count() == 1 and trigger.firings.count() == 0


def test_deleting_one_leaves_its_runs() -> None:
    trigger = schedule()
    actions.fire_due()
    ada = factories.admin(trigger.team)
    actions.delete_trigger(ada, trigger)
    assert Run.objects.count() == 1 and not Firing.objects.exists()
    with pytest.raises(Conflict, match="deleted"), transaction.atomic():
        actions.delete_trigger(ada, Trigger(pk=trigger.pk, team=trigger.team))
