"""A fork remembers another run's steps up to one of them, without a copied row, and goes another way from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import assembly, history
from runs.actions import fork_run, publish_agent
from runs.models import Agent, Event, Run, Step

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    settings.AGENTOPS_WORKSPACES = tmp_path


def three_steps(take: Take) -> Run:
    """Two steps that look, and an answer."""
    run = make.run()
    hand = take(run)
    for _ in range(2):
        hand.open()
        hand.settle(*hand.answer(make.answer("look")))
    hand.open()
    hand.finish()
    run.refresh_from_db()
    return run


def texts(message: Any) -> str:
    return " ".join(str(block.get("text", "")) for block in message["content"])


def test_a_fork_begins_at_its_step_with_what_came_before_and_what_is_said(take: Take) -> None:
    run = three_steps(take)
    fork = fork_run(make.admin(run.team), run.pk, 3, words="Ask the baker instead.")
    assert (fork.status, fork.steps, fork.tool_calls, fork.cost_usd) == ("queued", 2, 0, 0)
    assert (fork.forked_from_id, fork.forked_step, fork.needs, fork.goal) == (run.pk, 3, 2, run.goal)
    assert Step.objects.filter(run=fork).count() == 0
    hand = take(fork)
    assert [message["role"] for message in hand.state.messages] == ["user", "assistant"] * 2
    begun = hand.state.begin_with
    assert begun and hand.state.begin_words == "Ask the baker instead."
    assert any(block["type"] == "tool_result" for block in begun["content"])
    hand.open()
    assert Step.objects.get(run=fork).number == 3
    assert sorted(history.steps_of(fork).values_list("number", flat=True)) == [1, 2, 3]


def test_the_original_stays_as_it_was_but_for_who_forked_it(take: Take) -> None:
    run = three_steps(take)
    before = Run.objects.filter(pk=run.pk).values().get()
    who = make.admin(run.team)
    fork = fork_run(who, run.pk, 2)
    after = Run.objects.filter(pk=run.pk).values().get()
    assert {name for name in before if before[name] != after[name]} == {"seq"}
    last = Event.objects.filter(run=run).latest("seq")
    assert (last.kind, last.data["by"], last.data["run"]) == ("person.acted", str(who), str(fork.pk))
    assert list(Event.objects.filter(run=fork).values_list("kind", flat=True)) == ["person.acted", "run.changed"]


def test_a_fork_of_a_fork_shares_with_both(take: Take) -> None:
    run = three_steps(take)
    first = fork_run(make.admin(run.team), run.pk, 3, words="First.")
    hand = take(first)
    hand.open()
    hand.settle(*hand.answer(make.answer("look")))
    hand.open()
    hand.finish()
    second = fork_run(make.admin(run.team), first.pk, 4, words="Second.")
    owners = dict(history.steps_of(second).values_list("number", "run_id"))
    assert owners == {1: run.pk, 2: run.pk, 3: first.pk}
    early = fork_run(make.admin(run.team), first.pk, 2)
    assert dict(history.steps_of(early).values_list("number", "run_id")) == {1: run.pk}
    begun = take(early).state.begin_with
    assert begun is not None and "First." not in texts(begun)


def test_a_fork_from_the_first_step_may_have_another_goal(take: Take) -> None:
    run = three_steps(take)
    fork = fork_run(make.admin(run.team), run.pk, 1, goal="Do something else.")
    assert (fork.goal, fork.steps) == ("Do something else.", 0)
    state = take(fork).state
    assert (state.goal, state.messages, state.begin_with) == ("Do something else.", [], None)


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("step", {"step": 0}),
        ("step", {"step": -1}),
        ("step", {"step": 4}),
        ("step", {"step": 2**40}),
        ("step", {"step": True}),
        ("step", {"step": "2"}),
        ("words", {"step": 2, "words": "x" * 20_001}),
        ("words", {"step": 2, "words": "\x00"}),
        ("version", {"step": 2, "version": "7"}),
        ("goal", {"step": 2, "goal": "Another."}),
        ("goal", {"step": 1, "goal": " "}),
        ("limits.max_steps", {"step": 3, "limits": {"max_steps": 2}}),
        ("limits.max_cost_usd", {"step": 2, "limits": {"max_cost_usd": 9_000}}),
        ("limits.love", {"step": 2, "limits": {"love": 1}}),
    ],
)
def test_what_cannot_be_forked_names_its_field_and_changes_nothing(
    take: Take, tmp_path: Path, field: str, asked: dict[str, Any]
) -> None:
    run = three_steps(take)
    assembly.workspace(str(run.pk)).mkdir()
    with pytest.raises(InvalidInput) as refused:
        fork_run(make.admin(run.team), run.pk, **asked)
    assert refused.value.field == field
    again = Run.objects.get(pk=run.pk)
    assert (Run.objects.filter(team=run.team).count(), again.seq) == (1, run.seq)
    assert [path.name for path in tmp_path.iterdir()] == [str(run.pk)]


def test_only_a_turn_of_the_agent_can_be_forked(take: Take) -> None:
    run = three_steps(take)
    Step.objects.filter(run=run, number=2).update(kind=Step.Kind.ASIDE)
    with pytest.raises(InvalidInput, match="not a turn"):
        fork_run(make.admin(run.team), run.pk, 2)


def test_a_fork_leaves_alone_what_is_open_beside_the_originals_conversation(take: Take) -> None:
    run = three_steps(take)
    Step.objects.filter(run=run, number=2).update(kind=Step.Kind.ASIDE, status=Step.Status.CALLING)
    assert take(fork_run(make.admin(run.team), run.pk, 3)).state.cut_off_aside is None


def test_a_fork_of_a_plans_step_does_that_step_and_makes_no_plan(take: Take) -> None:
    run = three_steps(take)
    assert run.version is not None
    type(run.version).objects.filter(pk=run.version_id).update(
        planning="plan", answer_schema={"type": "object"}, success=[{"kind": "judge", "question": "Is it?"}]
    )
    Run.objects.filter(pk=run.pk).update(only_tools=["look"])
    agent = take(fork_run(make.admin(run.team), run.pk, 2)).state.agent
    assert (agent.plans, agent.tools, agent.answer_schema, agent.success) == (False, ("look",), None, ())


def test_a_version_that_plans_takes_a_run_up_at_its_first_step_only(take: Take) -> None:
    run = three_steps(take)
    who = make.admin(run.team)
    newer = publish_agent(who, Agent.objects.get(pk=run.agent_id), planning="plan")
    with pytest.raises(InvalidInput, match="made at step 1") as refused:
        fork_run(who, run.pk, 2, version="live")
    assert refused.value.field == "version"
    assert fork_run(who, run.pk, 1, version="live").version_id == newer.pk
    assert fork_run(who, run.pk, 2).version_id == run.version_id


def test_who_may_only_look_forks_nothing_and_strangers_find_nothing(take: Take) -> None:
    run = three_steps(take)
    with pytest.raises(NotAllowed):
        fork_run(make.person(run.team, Role.VIEWER), run.pk, 2)
    with pytest.raises(Run.DoesNotExist):
        fork_run(make.admin(make.team()), run.pk, 2)


def test_a_fork_has_the_version_of_then_or_of_now(take: Take) -> None:
    run = three_steps(take)
    who = make.admin(run.team)
    agent = Agent.objects.get(pk=run.agent_id)
    newer = publish_agent(who, agent, system_prompt="Help more.", max_steps=7)
    assert fork_run(who, run.pk, 2).version_id == run.version_id
    live = fork_run(who, run.pk, 2, version="live")
    assert (live.version_id, live.max_tokens) == (newer.pk, newer.max_tokens)
    Agent.objects.filter(pk=agent.pk).update(active=False)
    with pytest.raises(InvalidInput, match="switched off"):
        fork_run(who, run.pk, 2)
    Run.objects.filter(pk=run.pk).update(version=None)
    with pytest.raises(InvalidInput, match="deleted"):
        fork_run(who, run.pk, 2)


def test_steps_are_counted_on_and_a_raised_limit_holds_for_the_fork(take: Take) -> None:
    run = three_steps(take)
    assert run.version is not None
    type(run.version).objects.filter(pk=run.version_id).update(max_steps=2)
    fork = fork_run(make.admin(run.team), run.pk, 3)
    assert fork.max_steps == run.max_steps > 2


def test_a_tainted_run_gives_a_tainted_fork(take: Take) -> None:
    run = three_steps(take)
    Run.objects.filter(pk=run.pk).update(tainted_by="mail 3.eml")
    assert fork_run(make.admin(run.team), run.pk, 2).tainted_by == "mail 3.eml"


def test_the_files_are_copied_as_they_are_and_no_link_leads_out(take: Take, tmp_path: Path) -> None:
    run = three_steps(take)
    folder = assembly.workspace(str(run.pk))
    (folder / "notes").mkdir(parents=True)
    (folder / "notes/a.md").write_text("one")
    (folder / "out").symlink_to("/etc/passwd")
    fork = fork_run(make.admin(run.team), run.pk, 2)
    copy = assembly.workspace(str(fork.pk))
    assert (copy / "notes/a.md").read_text() == "one"
    assert not (copy / "out").is_symlink()
    (copy / "notes/a.md").write_text("two")
    assert (folder / "notes/a.md").read_text() == "one"
    assert len(list(tmp_path.iterdir())) == 2


def test_files_that_only_a_worker_sees_come_along_when_it_takes_the_fork(take: Take) -> None:
    run = three_steps(take)
    fork = fork_run(make.admin(run.team), run.pk, 2)
    folder = assembly.workspace(str(run.pk))
    folder.mkdir()
    (folder / "a.md").write_text("one")
    assembly.fill_workspace(take(fork).state)
    assert (assembly.workspace(str(fork.pk)) / "a.md").read_text() == "one"


def test_a_run_that_is_cancelled_in_mid_call_can_be_forked_from_that_step(take: Take) -> None:
    run = make.run()
    take(run).open()
    Run.objects.filter(pk=run.pk).update(status="cancelled", ended_at=Now(), held_usd=0)
    assert fork_run(make.admin(run.team), run.pk, 1).steps == 0


def test_a_run_that_works_by_a_plan_is_not_forked(take: Take) -> None:
    run = three_steps(take)
    run.plans.create(number=1, status="done")
    with pytest.raises(InvalidInput, match="works by a plan"):
        fork_run(make.admin(run.team), run.pk, 2)


def test_forking_needs_a_run_that_is_there() -> None:
    with pytest.raises((Run.DoesNotExist, Conflict)):
        fork_run(make.admin(make.team()), "00000000-0000-0000-0000-000000000000", 1)
