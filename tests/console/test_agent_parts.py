"""The folded parts of the editor: planning, handing work over, the answer's schema, success criteria, context."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentops.accounts.access import Actor
from agentops.accounts.models import Team
from runs.actions import publish_agent
from runs.models import Agent
from tests.api import factories as make

from .test_agents import at, form

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
JUDGE = {"criterion-1-kind": "judge", "criterion-1-question": "Is every order named?"}
CHECK = {
    "criterion-2-kind": "check",
    "criterion-2-expression": "data.total > 0.0",
    "criterion-2-message": "Give the total.",
}


@pytest.fixture
def team() -> Team:
    return make.team()


@pytest.fixture
def agent(team: Team) -> Agent:
    return make.agent(team, "desk", tools=["read_file"])


@pytest.fixture
def admin(team: Team) -> Any:
    return make.person(team)


@pytest.fixture
def client(admin: Any) -> Client:
    return make.signed_in(admin)


def live(agent: Agent) -> Any:
    return Agent.objects.select_related("live").get(pk=agent.pk).live


def test_every_setting_is_kept(client: Client, agent: Agent, team: Team) -> None:
    make.agent(team, "clerk")
    typed = {
        "planning": "reviewed",
        "delegates_to": ["clerk", "desk"],
        "max_children": "7",
        "max_parallel_children": "3",
        "max_depth": "1",
        "context_tokens": "50000",
        "summary_chain": ["small", "", "smaller"],
        "answer_schema": json.dumps(SCHEMA),
        **JUDGE,
        **CHECK,
    }
    assert client.post(at("agent-edit", agent), form(client, agent, **typed)).status_code == 302
    version = live(agent)
    assert (version.number, version.planning, version.delegates_to) == (2, "reviewed", ["clerk", "desk"])
    assert (version.max_children, version.max_parallel_children, version.max_depth) == (7, 3, 1)
    assert (version.context_tokens, version.summary_chain, version.answer_schema) == (
        50_000,
        ["small", "smaller"],
        SCHEMA,
    )
    assert version.success == [
        {"kind": "judge", "question": "Is every order named?"},
        {"kind": "check", "expression": "data.total > 0.0", "message": "Give the total."},
    ]


def test_what_is_shown_and_sent_back_unchanged_makes_no_version(client: Client, agent: Agent, admin: Any) -> None:
    criteria = [{"kind": "judge", "question": "Is it so?"}]
    publish_agent(
        Actor(admin), agent, answer_schema=SCHEMA, success=criteria, context_tokens=9_000, delegates_to=["desk"]
    )
    sent = form(client, agent) | {"criterion-1-kind": "judge", "criterion-1-question": "Is it so?"}
    assert client.post(at("agent-edit", agent), sent).status_code == 302
    assert live(agent).number == 2


def test_a_form_from_before_there_were_such_settings_still_saves(client: Client, agent: Agent) -> None:
    new = ("planning", "delegates_to", "max_children", "max_parallel_children", "max_depth", "context_tokens")
    sent = {name: value for name, value in form(client, agent, max_steps="7").items() if name not in new}
    assert client.post(at("agent-edit", agent), sent).status_code == 302
    version = live(agent)
    assert (version.planning, version.max_children, version.max_depth, version.success) == ("none", 20, 2, [])


def test_a_newcomer_sees_the_parts_folded_and_what_stands_there_open(client: Client, agent: Agent, admin: Any) -> None:
    page = client.get(at("agent-edit", agent)).content.decode()
    assert page.count('<details class="panel part"') == 5
    assert '<details class="panel part" open' not in page
    publish_agent(Actor(admin), agent, answer_schema=SCHEMA)
    page = client.get(at("agent-edit", agent)).content.decode()
    assert page.count('<details class="panel part" open') == 1
    assert "JSON with total" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"planning": "sometimes"}, "sometimes is not one of the available choices"),
        ({"delegates_to": ["nobody"]}, "The team has no agent named “nobody”"),
        ({"delegates_to": ["nul\x00"]}, "The team has no agent named “nul”"),
        ({"delegates_to": [f"a{n}" for n in range(51)]}, "50 agents at most"),
        ({"max_children": "0"}, "Give a number above 0"),
        ({"max_children": "1001"}, "at most 1,000"),
        ({"max_depth": "11"}, "at most 10"),
        ({"max_parallel_children": "x"}, "Enter a whole number"),
        ({"max_children": "3", "max_parallel_children": "4"}, "at most 3 at once, not 4"),
        ({"max_parallel_calls": "101"}, "at most 100"),
        ({"context_tokens": "3999"}, "from 4,000 to"),
        ({"context_tokens": "5000"}, "leaves too little for what it is told"),
        ({"summary_chain": "m" * 121}, "at most 120 are allowed"),
        ({"answer_schema": "{"}, "in line 1 at character 2"),
        ({"answer_schema": "[" * 100_000}, "nested too deep"),
        ({"answer_schema": "[]"}, "A schema is a JSON object"),
        ({"answer_schema": "{}"}, "must say its &quot;type&quot;"),
        ({"answer_schema": '{"type": "object", "properties": {"a": {"type": "nope"}}}'}, "properties.a.type"),
        ({"answer_schema": '{"type": "object", "$ref": "https://example.com/x"}'}, "$ref may only point into"),
        ({"answer_schema": '{"type": "object", "title": "' + "x" * 70_000 + '"}'}, "65,536 is the most"),
        ({"answer_schema": '{"type": "object", "title": "a\\u0000"}'}, "cannot be stored"),
        (
            {"criterion-1-kind": "judge", "criterion-1-question": " "} | CHECK | {"criterion-2-message": ""},
            "Say in words",
        ),
        (
            {"criterion-1-kind": "check", "criterion-1-expression": "answer ==", "criterion-1-message": "m"},
            "not valid CEL",
        ),
        (
            {"criterion-1-kind": "check", "criterion-1-expression": "args.x", "criterion-1-message": "m"},
            "There is no args",
        ),
        ({"criterion-1-kind": "check", "criterion-1-message": "m"}, "Give an expression"),
        (
            {"criterion-1-kind": "check", "criterion-1-expression": "1+1", "criterion-1-message": "m"},
            "never true or false",
        ),
        ({"criterion-1-kind": "judge", "criterion-1-question": "q" * 2_001}, "at most 2,000"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(
    client: Client, agent: Agent, typed: dict[str, Any], said: str
) -> None:
    answer = client.post(at("agent-edit", agent), form(client, agent, description="keep <me>", **typed))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "keep &lt;me&gt;" in page
    assert agent.versions.count() == 1


def test_a_refused_part_is_open_so_that_its_error_is_seen(client: Client, agent: Agent) -> None:
    answer = client.post(at("agent-edit", agent), form(client, agent, max_depth="99"))
    assert answer.context["open_parts"]["delegates"]


def test_a_row_of_criteria_that_nobody_filled_in_is_none(client: Client, agent: Agent) -> None:
    sent = form(client, agent, max_steps="7", **{"criterion-1-kind": "judge", "criterion-1-question": ""})
    assert client.post(at("agent-edit", agent), sent).status_code == 302
    assert live(agent).success == []


@pytest.mark.parametrize("do", ["criterion-add-judge", "criterion-add-check"])
def test_a_criterion_is_added_by_a_button_and_removed_by_another(client: Client, agent: Agent, do: str) -> None:
    page = client.post(at("agent-edit", agent), form(client, agent, do=do, answer_schema="{half", **JUDGE))
    assert [row.number for row in page.context["criteria"]] == [1, 2]
    assert page.context["criteria"][1].kind == do.rpartition("-")[2]
    assert "{half" in page.content.decode(), "what was typed elsewhere stays"
    page = client.post(at("agent-edit", agent), form(client, agent, do="criterion-1-remove", **JUDGE, **CHECK))
    (row,) = page.context["criteria"]
    assert (row.number, row.kind, row.message) == (1, "check", "Give the total.")


@pytest.mark.parametrize("do", ["criterion-99-remove", "criterion-x-remove", "criterion-add-hat", "criterion-"])
def test_a_button_that_means_nothing_changes_nothing(client: Client, agent: Agent, do: str) -> None:
    page = client.post(at("agent-edit", agent), form(client, agent, do=do, **JUDGE))
    assert [row.question for row in page.context["criteria"]] == ["Is every order named?"]


def test_ten_criteria_are_the_most(client: Client, agent: Agent) -> None:
    rows = {f"criterion-{n}-kind": "judge" for n in range(1, 11)}
    page = client.post(at("agent-edit", agent), form(client, agent, do="criterion-add-judge", **rows))
    assert len(page.context["criteria"]) == 10


def test_an_agent_of_another_team_takes_no_work(client: Client, agent: Agent) -> None:
    make.agent(make.team(), "stranger")
    page = client.get(at("agent-edit", agent)).content.decode()
    assert "stranger" not in page
    answer = client.post(at("agent-edit", agent), form(client, agent, delegates_to=["stranger"]))
    assert answer.status_code == 422


def test_a_deleted_agent_that_it_handed_work_to_is_named_and_left_out(
    client: Client, agent: Agent, team: Team, admin: Any
) -> None:
    clerk = make.agent(team, "clerk")
    publish_agent(Actor(admin), agent, delegates_to=["clerk", "desk"])
    Agent.objects.filter(pk=clerk.pk).update(name="renamed")
    assert "clerk is not in the team any more" in client.get(at("agent-edit", agent)).content.decode()
    publish_agent(Actor(admin), agent, max_steps=7)
    assert live(agent).delegates_to == ["clerk", "desk"], "a change of something else is not in its way"


def test_the_agents_page_says_it_in_words(client: Client, agent: Agent, admin: Any) -> None:
    publish_agent(
        Actor(admin),
        agent,
        planning="reviewed",
        delegates_to=["desk"],
        answer_schema=SCHEMA,
        context_tokens=50_000,
        summary_chain=["small"],
        success=[{"kind": "judge", "question": "Is <b>it</b> so?"}],
    )
    page = client.get(at("agent", agent)).content.decode()
    for words in (
        "By a plan that a person approves",
        "JSON with total",
        "50,000 tokens a request, small summarise and judge",
        "Is &lt;b&gt;it&lt;/b&gt; so?",
        "20 runs in all, 4 at once, 2 deep",
    ):
        assert words in page


def test_a_copy_has_the_same_settings(client: Client, agent: Agent, admin: Any) -> None:
    publish_agent(Actor(admin), agent, planning="plan", success=[{"kind": "judge", "question": "Is it so?"}])
    page = client.get(reverse("agent-new") + f"?like={agent.team.slug}/{agent.name}")
    assert page.context["form"]["planning"].value() == "plan"
    assert page.context["criteria"][0].question == "Is it so?"


def test_the_versions_page_says_what_differs(client: Client, agent: Agent, admin: Any) -> None:
    publish_agent(
        Actor(admin),
        agent,
        planning="plan",
        delegates_to=["desk"],
        max_depth=3,
        context_tokens=50_000,
        answer_schema=SCHEMA,
        success=[{"kind": "judge", "question": "Is it so?"}],
    )
    page = client.get(at("agent-versions", agent)).content.decode()
    for words in (
        "Step by step",
        "By a plan",
        "Hands work to",
        "Levels of runs below it",
        "50,000",
        "Is it so?",
        "&quot;total&quot;",
    ):
        assert words in page
