"""Versions of an agent: published, rolled back, tried on a share of new runs; two people editing at once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs.actions import (
    AgentChanged,
    create_agent,
    edit_agent,
    promote_candidate,
    publish_agent,
    roll_back,
    share_candidate,
    start_run,
    switch_agent,
    withdraw_candidate,
)
from runs.actions.agents import state_of
from runs.actions.starting import version_for
from runs.models import Agent, AgentVersion

from . import factories as make

pytestmark = pytest.mark.django_db

ORDER = {"name": "order", "label": "Order", "kind": "text", "required": True}


@pytest.fixture
def agent() -> Agent:
    return make.agent(make.team())


@pytest.fixture
def boss(agent: Agent) -> Any:
    return make.admin(agent.team)


def shares(agent: Agent, runs: int = 2_000) -> float:
    """The part of new runs that the candidate gets."""
    fresh = Agent.objects.select_related("live", "candidate").get(pk=agent.pk)
    return sum(version_for(fresh, uuid.uuid4()) == fresh.candidate for _ in range(runs)) / runs


def test_a_version_says_who_made_it_and_why_even_when_the_person_is_gone(agent: Agent, boss: Any) -> None:
    version = publish_agent(boss, agent, note="Shorter.", max_steps=7)
    boss.user.delete()
    version.refresh_from_db()
    assert (version.note, version.created_by_name, version.created_by) == ("Shorter.", str(boss), None)


def test_a_candidate_takes_its_share_and_leaves_the_live_version_as_it_is(agent: Agent, boss: Any) -> None:
    live = agent.live
    candidate = publish_agent(boss, agent, candidate_percent=30, max_steps=7)
    agent.refresh_from_db()
    assert (agent.live, agent.candidate, agent.candidate_percent) == (live, candidate, 30)
    assert 0.25 < shares(agent) < 0.35


def test_one_run_always_gets_the_same_version(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, candidate_percent=50, max_steps=7)
    for _ in range(20):
        run, _new = start_run(boss, agent=agent.name, goal="Do it.", via="api")
        agent.refresh_from_db()
        assert run.version == version_for(agent, run.pk)


def test_a_run_of_the_candidate_has_its_limits_and_a_tighter_one_that_was_asked(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, candidate_percent=99, max_steps=7, max_seconds=9_999)
    for _ in range(50):
        run, _new = start_run(boss, agent=agent.name, goal="Do it.", limits={"max_steps": 20}, via="api")
        if run.version.number == 2:
            assert (run.max_steps, run.max_seconds) == (7, 9_999)
            return
    pytest.fail("no run of the candidate among 50 at 99 %")


def test_promoting_makes_it_live_for_all(agent: Agent, boss: Any) -> None:
    candidate = publish_agent(boss, agent, candidate_percent=30, max_steps=7)
    assert promote_candidate(boss, agent, number=candidate.number) == candidate
    agent.refresh_from_db()
    assert (agent.live, agent.candidate, agent.candidate_percent) == (candidate, None, 0)


def test_withdrawing_ends_the_trial(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, candidate_percent=30, max_steps=7)
    withdraw_candidate(boss, agent)
    agent.refresh_from_db()
    assert (agent.live.number, agent.candidate, agent.candidate_percent) == (1, None, 0)
    assert shares(agent, 50) == 0


def test_another_share(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, candidate_percent=1, max_steps=7)
    share_candidate(boss, agent, 60)
    assert 0.55 < shares(agent) < 0.65


@pytest.mark.parametrize("percent", [0, 100, -1, True, "5"])
def test_a_share_is_1_to_99_percent(agent: Agent, boss: Any, percent: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        publish_agent(boss, agent, candidate_percent=percent, max_steps=7)
    assert refused.value.field == "candidate_percent"


def test_a_candidate_that_is_another_by_now_is_not_promoted(agent: Agent, boss: Any) -> None:
    seen = publish_agent(boss, agent, candidate_percent=30, max_steps=7)
    publish_agent(boss, agent, candidate_percent=30, max_steps=8)
    with pytest.raises(Conflict, match="version 3 is tried now"):
        promote_candidate(boss, agent, number=seen.number)
    withdraw_candidate(boss, agent)
    with pytest.raises(Conflict, match="no version is tried"):
        promote_candidate(boss, agent)
    agent.refresh_from_db()
    assert agent.live.number == 1


def test_what_is_the_same_as_live_cannot_be_compared(agent: Agent, boss: Any) -> None:
    with pytest.raises(InvalidInput, match="nothing to compare"):
        publish_agent(boss, agent, candidate_percent=30)


def test_live_and_candidate_ask_for_the_same(agent: Agent, boss: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        publish_agent(boss, agent, candidate_percent=30, inputs=[ORDER])
    assert refused.value.field == "inputs"
    publish_agent(boss, agent, candidate_percent=30, max_steps=7)
    with pytest.raises(InvalidInput) as refused:
        publish_agent(boss, agent, inputs=[ORDER])
    assert refused.value.field == "inputs"


def test_rolling_back_makes_a_version_as_the_old_one_was(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, max_steps=7, system_prompt="Worse.")
    back = roll_back(boss, agent, 1)
    assert (back.number, back.max_steps, back.system_prompt, back.note) == (3, 30, "Help.", "Back to version 1")
    assert roll_back(boss, agent, 1) == back, "it is so already"
    with pytest.raises(AgentVersion.DoesNotExist):
        roll_back(boss, agent, 99)


def test_a_version_whose_tool_is_gone_does_not_come_back(agent: Agent, boss: Any) -> None:
    AgentVersion.objects.filter(pk=agent.live.pk).update(tools=["no_such_tool"])
    publish_agent(boss, agent, tools=[])
    with pytest.raises(InvalidInput) as refused:
        roll_back(boss, agent, 1)
    assert refused.value.field == "tools"


WORDS = {"title": "Better", "description": "New.", "example_goal": ""}


def test_an_edit_saves_words_and_version_as_one(agent: Agent, boss: Any) -> None:
    version = edit_agent(boss, agent, base=state_of(agent), words=WORDS, max_steps=7)
    agent.refresh_from_db()
    assert (agent.title, agent.description, agent.live) == ("Better", "New.", version)
    with pytest.raises(InvalidInput):
        edit_agent(boss, agent, base=state_of(agent), words={**WORDS, "title": "Lost"}, max_steps=0)
    agent.refresh_from_db()
    assert agent.title == "Better"


@pytest.mark.parametrize(
    "change",
    [
        lambda boss, agent: publish_agent(boss, agent, max_steps=9),
        lambda boss, agent: publish_agent(boss, agent, candidate_percent=5, max_steps=9),
        lambda boss, agent: Agent.objects.filter(pk=agent.pk).update(title="Theirs"),
    ],
)
def test_the_second_of_two_editors_is_told(agent: Agent, boss: Any, change: Any) -> None:
    base = state_of(agent)
    change(make.admin(agent.team), agent)
    with pytest.raises(AgentChanged):
        edit_agent(boss, agent, base=base, words=WORDS, max_steps=7)
    agent.refresh_from_db()
    assert agent.title != "Better"


@pytest.mark.django_db(transaction=True)
def test_of_two_edits_at_once_one_is_told() -> None:
    agent = make.agent(make.team())
    boss, base = make.admin(agent.team), state_of(agent)
    results = make.at_once(
        *(
            lambda n=n: edit_agent(boss, agent, base=base, words={**WORDS, "title": f"T{n}"}, max_steps=n)
            for n in (5, 6)
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["AgentChanged", "AgentVersion"]
    agent.refresh_from_db()
    assert agent.title == f"T{agent.live.max_steps}"


def test_a_new_agent_is_live_at_once_and_its_name_is_its_own(agent: Agent, boss: Any) -> None:
    fields = {"system_prompt": "Help.", "model_chain": ["m"], "tools": [], "inputs": [ORDER]}
    made = create_agent(boss, agent.team_id, name="mine", title="Mine", **fields)
    assert (made.live.number, made.live.inputs[0]["label"]) == (1, "Order")
    for name in ("mine", "Mine", "", "a b", "-a"):
        with pytest.raises(InvalidInput) as refused:
            create_agent(boss, agent.team_id, name=name, title="Other", **fields)
        assert refused.value.field == "name"
    with pytest.raises(InvalidInput):
        create_agent(boss, agent.team_id, name="no-prompt", title="Other", **{**fields, "system_prompt": " "})
    assert not Agent.objects.filter(name="no-prompt").exists()


def test_switched_off_it_starts_no_run(agent: Agent, boss: Any) -> None:
    switch_agent(boss, agent, active=False)
    with pytest.raises(InvalidInput, match="switched off"):
        start_run(boss, agent=agent.name, goal="Do it.", via="api")
    switch_agent(boss, agent, active=True)
    assert start_run(boss, agent=agent.name, goal="Do it.", via="api")[1]


def test_a_run_gets_what_its_agent_asks_for(agent: Agent, boss: Any) -> None:
    publish_agent(boss, agent, inputs=[ORDER, {"name": "days", "kind": "number", "default": 7}])
    run, _new = start_run(boss, agent=agent.name, goal="Do it.", inputs={"order": "A-1"}, via="api")
    assert run.inputs == {"order": "A-1", "days": 7}
    for inputs, field in (({}, "inputs.order"), ({"order": "A", "x": 1}, "inputs.x")):
        with pytest.raises(InvalidInput) as refused:
            start_run(boss, agent=agent.name, goal="Do it.", inputs=inputs, via="api")
        assert refused.value.field == field


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_only_admins_change_agents(agent: Agent, boss: Any, role: Role) -> None:
    publish_agent(boss, agent, candidate_percent=5, max_steps=7)
    who = make.person(agent.team, role)
    deeds: list[Any] = [
        lambda: publish_agent(who, agent, max_steps=8),
        lambda: roll_back(who, agent, 1),
        lambda: promote_candidate(who, agent),
        lambda: withdraw_candidate(who, agent),
        lambda: share_candidate(who, agent, 9),
        lambda: switch_agent(who, agent, active=False),
        lambda: edit_agent(who, agent, base=state_of(agent), words=WORDS),
        lambda: create_agent(who, agent.team_id, name="other", title="Other", system_prompt="x", model_chain=["m"]),
    ]
    for deed in deeds:
        with pytest.raises(NotAllowed):
            deed()
    agent.refresh_from_db()
    assert (agent.live.number, agent.candidate.number, agent.active) == (1, 2, True)
