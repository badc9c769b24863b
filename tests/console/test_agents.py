"""Pages of agents without a browser: what they show, to whom, what an editor keeps, and what a start form asks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from runs.actions import publish_agent
from runs.models import Agent, Run
from tests.api import factories as make

pytestmark = pytest.mark.django_db

ORDER = {"name": "order", "label": "Order number", "kind": "text", "required": True, "help": "Such as A-1."}
CHOICE = {"name": "mood", "label": "Mood", "kind": "choice", "choices": ["kind", "short"], "default": "kind"}


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


def at(name: str, agent: Agent, *more: Any) -> str:
    return reverse(name, args=[agent.team.slug, agent.name, *more])


def form(client: Client, agent: Agent, **changes: Any) -> dict[str, Any]:
    """The editor as it is shown, with some fields typed over."""
    page = client.get(at("agent-edit", agent))
    shown = page.context["form"]
    names = ["title", "description", "example_goal", "system_prompt", "note"]
    values = {name: shown[name].value() or "" for name in [*names, *shown.fields] if name not in ("percent",)}
    values |= {"model_chain": page.context["models"], "base": page.context["base"], "tools": shown["tools"].value()}
    values |= {"delegates_to": shown["delegates_to"].value(), "summary_chain": page.context["summary_models"]}
    return values | changes


PAGES = ["agent", "agent-edit", "agent-versions"]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_inline_style_or_script(client: Client, agent: Agent, admin: Any, name: str) -> None:
    publish_agent(Actor(admin), agent, candidate_percent=10, max_steps=7, system_prompt="Help.\nBe kind.")
    page = client.get(at(name, agent)).content.decode()
    assert not re.search(r'\sstyle="|\son\w+="|<style|<script(?![^>]*\ssrc=)', page)


@pytest.mark.parametrize("name", PAGES)
def test_other_teams_agents_are_not_there(agent: Agent, name: str) -> None:
    assert make.signed_in(make.person(make.team())).get(at(name, agent)).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_others_read_and_change_nothing(agent: Agent, admin: Any, role: Role) -> None:
    publish_agent(Actor(admin), agent, candidate_percent=10, max_steps=7)
    client = make.signed_in(make.person(agent.team, role))
    page = client.get(at("agent", agent)).content.decode()
    assert "read_file" in page and "An admin of the team can change it" in page
    assert at("agent-edit", agent) not in page and at("agent-switch", agent) not in page
    assert "agent-restore" not in client.get(at("agent-versions", agent)).content.decode()
    for address in (at("agent-edit", agent), reverse("agent-new")):
        assert client.get(address).status_code == 403
    for address in (
        at("agent-edit", agent),
        at("agent-switch", agent),
        at("agent-candidate", agent),
        at("agent-restore", agent, 1),
        reverse("agent-new"),
    ):
        assert client.post(address, {"active": "no", "do": "promote"}).status_code == 403
    agent.refresh_from_db()
    assert agent.active and agent.live.number == 1


def test_the_page_tells_how_it_went(client: Client, agent: Agent) -> None:
    for status, cost in (("succeeded", 1), ("failed", 3)):
        make.run(agent, status=status, cost_usd=cost, steps=4, ended_at=timezone.now())
    page = client.get(at("agent", agent))
    figures = page.context["figures"]
    assert (figures.ended, figures.success_percent, figures.cost_each, figures.steps_each) == (2, 50, 2, 4.0)
    assert "$2.00" in page.content.decode()


def test_the_list_costs_the_same_however_many_agents(
    client: Client, team: Team, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make.agent(team, f"agent-{number}", tools=["read_file"])
    with django_assert_max_num_queries(12):
        assert client.get(reverse("agents")).status_code == 200


def test_an_agent_without_a_version_says_so(client: Client, team: Team) -> None:
    bare = Agent.objects.create(team=team, name="bare", title="Bare")
    assert "no published version" in client.get(at("agent", bare)).content.decode()
    assert "No version yet" in client.get(at("agent-versions", bare)).content.decode()
    assert client.get(at("agent-edit", bare)).status_code == 200


def test_saving_publishes_what_was_typed(client: Client, agent: Agent) -> None:
    row = {"input-1-label": "Order number", "input-1-kind": "text", "input-1-required": "on"}
    typed = form(client, agent, title="Better", system_prompt="Help\r\nwell.", max_steps="7", note="Shorter", **row)
    assert client.post(at("agent-edit", agent), typed).status_code == 302
    agent.refresh_from_db()
    live = agent.live
    assert (agent.title, live.number, live.system_prompt, live.max_steps) == ("Better", 2, "Help\nwell.", 7)
    assert (live.note, live.inputs[0]["name"], live.inputs[0]["required"]) == ("Shorter", "order_number", True)
    assert (live.tools, live.model_chain) == (["read_file"], ["claude-sonnet-4-5"])


def test_saving_without_a_change_publishes_nothing(client: Client, agent: Agent) -> None:
    publish_agent(Actor(make.person(agent.team)), agent, inputs=[ORDER, CHOICE], max_cost_usd="0.125")
    agent.refresh_from_db()
    rows = {}
    for number, one in enumerate(agent.live.inputs, start=1):
        rows |= {f"input-{number}-{part}": one[part] or "" for part in ("label", "name", "kind", "help", "default")}
        rows[f"input-{number}-choices"] = "\n".join(one["choices"])
        rows |= {f"input-{number}-required": "on"} if one["required"] else {}
    assert client.post(at("agent-edit", agent), form(client, agent, **rows)).status_code == 302
    assert agent.versions.count() == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title": ""}, "This field is required"),
        ({"system_prompt": "  "}, "Tell the agent who it is"),
        ({"model_chain": ["", ""]}, "Name at least one model"),
        ({"model_chain": "m" * 121}, "at most 120 are allowed"),
        ({"max_steps": "0"}, "Give a number above 0"),
        ({"max_steps": "many"}, "Enter a whole number"),
        ({"max_cost_usd": "200000"}, "a number above 0 and at most 100,000"),
        ({"tools": ["no_such"]}, "no_such is not one of the available choices"),
        ({"title": "nul \x00"}, "Null characters are not allowed"),
        ({"reach": "share", "percent": ""}, "Say which share"),
        ({"reach": "share", "percent": "100"}, "less than or equal to 99"),
        ({"reach": "share", "percent": "5"}, "nothing to compare"),
        ({"input-1-label": "", "input-1-kind": "text"}, "A name begins with a small letter"),
        ({"input-1-label": "X", "input-1-kind": "choice", "input-1-choices": "one"}, "Give 2 to 50 choices"),
        ({"input-1-label": "X", "input-1-kind": "number", "input-1-default": "five"}, "This must be a number"),
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


def test_adding_and_moving_inputs_saves_nothing_and_keeps_what_is_typed(client: Client, agent: Agent) -> None:
    rows = {"input-1-label": "First", "input-1-kind": "text", "input-2-label": "Second", "input-2-kind": "date"}

    def after(do: str, **more: Any) -> list[str]:
        answer = client.post(at("agent-edit", agent), form(client, agent, title="Typed", do=do, **rows, **more))
        assert answer.status_code == 200
        assert 'value="Typed"' in answer.content.decode()
        return [row.label for row in answer.context["rows"]]

    assert after("input-add") == ["First", "Second", ""]
    assert after("input-2-up") == ["Second", "First"]
    assert after("input-1-down") == ["Second", "First"]
    assert after("input-1-remove") == ["Second"]
    for nonsense in ("input-9-up", "input-0-remove", "input-²-up", "x"):
        assert after(nonsense) == ["First", "Second"]
    assert agent.versions.count() == 1


def test_the_second_editor_is_told_what_changed_and_keeps_what_was_typed(client: Client, agent: Agent) -> None:
    mine = form(client, agent, title="Mine", max_steps="9")
    ada = make.person(agent.team)
    publish_agent(Actor(ada), agent, max_tool_calls=5, note="Fewer calls")
    answer = client.post(at("agent-edit", agent), mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{ada.username} published version 2" in page and "Fewer calls" in page
    assert re.search(r"Tool calls</dt><dd>.*60.*5", page, re.DOTALL)
    assert 'value="Mine"' in page
    again = mine | {"base": answer.context["base"], "max_tool_calls": "5"}
    assert client.post(at("agent-edit", agent), again).status_code == 302
    agent.refresh_from_db()
    assert (agent.title, agent.live.max_steps, agent.live.max_tool_calls) == ("Mine", 9, 5)


def test_a_share_of_runs_is_compared_and_promoted(client: Client, agent: Agent) -> None:
    typed = form(client, agent, max_steps="7", reach="share", percent="20")
    assert client.post(at("agent-edit", agent), typed).status_code == 302
    agent.refresh_from_db()
    assert (agent.live.number, agent.candidate.number, agent.candidate_percent) == (1, 2, 20)
    make.run(agent, version=agent.candidate, status="succeeded", steps=3, cost_usd=1, ended_at=timezone.now())
    compared = client.get(at("agent", agent)).context["compared"]
    assert (compared.candidate.figures.success_percent, compared.candidate.figures.steps_each) == (100, 3.0)
    assert compared.live.figures.ended == 0 and compared.few
    client.post(at("agent-candidate", agent), {"do": "share", "percent": "40", "number": "2"})
    agent.refresh_from_db()
    assert agent.candidate_percent == 40
    for percent in ("0", "x", "", "1000"):
        client.post(at("agent-candidate", agent), {"do": "share", "percent": percent, "number": "2"})
    agent.refresh_from_db()
    assert agent.candidate_percent == 40
    client.post(at("agent-candidate", agent), {"do": "promote", "number": "2"})
    agent.refresh_from_db()
    assert (agent.live.number, agent.candidate) == (2, None)


def test_versions_say_what_differs_and_lead_back(client: Client, agent: Agent, admin: Any) -> None:
    publish_agent(Actor(admin), agent, system_prompt="Help.\nBe <kind>.", tools=[], max_steps=7, inputs=[ORDER])
    page = client.get(at("agent-versions", agent), {"from": 1, "to": 2}).content.decode()
    assert "Be &lt;kind&gt;." in page and "<ins" in page
    assert re.search(r"removed <b>read_file</b>", page)
    assert re.search(r"Steps</dt><dd>.*30.*7", page, re.DOTALL)
    assert "Order number" in page
    assert client.post(at("agent-restore", agent, 1)).status_code == 302
    assert client.post(at("agent-restore", agent, 99)).status_code == 404
    agent.refresh_from_db()
    assert (agent.live.number, agent.live.tools) == (3, ["read_file"])


@pytest.mark.parametrize("number", ["x", "-1", "²", "99999999999", "\x00", "0"])
def test_a_version_that_is_not_there_shows_the_newest(client: Client, agent: Agent, number: str) -> None:
    for address in (at("agent-versions", agent), at("agent-edit", agent)):
        assert client.get(address, {"from": number, "to": number, "before": number}).status_code == 200


def test_a_new_agent_is_made_from_scratch_and_from_another(client: Client, agent: Agent) -> None:
    typed = form(client, agent) | {"team": agent.team.slug, "name": "second", "title": "Second"}
    answer = client.post(reverse("agent-new"), typed | {"name": "desk"})
    assert answer.status_code == 422 and "has an agent named desk already" in answer.content.decode()
    assert client.post(reverse("agent-new"), typed)["Location"] == f"/agents/{agent.team.slug}/second/"
    assert Agent.objects.get(name="second").live.tools == ["read_file"]
    copy = client.get(reverse("agent-new"), {"like": f"{agent.team.slug}/desk"}).content.decode()
    assert 'value="desk-copy"' in copy
    other = make.team()
    answer = client.post(reverse("agent-new"), typed | {"name": "third", "team": other.slug})
    assert answer.status_code == 422
    assert not Agent.objects.filter(name="third").exists()


def test_the_switch(client: Client, agent: Agent) -> None:
    client.post(at("agent-switch", agent), {"active": "no"})
    agent.refresh_from_db()
    assert not agent.active
    assert "switched off" in client.get(reverse("agents")).content.decode()
    client.post(at("agent-switch", agent), {"active": "yes"})
    agent.refresh_from_db()
    assert agent.active


def start(client: Client, agent: Agent, **typed: Any) -> Any:
    return client.post(
        reverse("run-new"), {"agent": f"{agent.team.slug}/{agent.name}", "goal": "Do it.", "key": "k", **typed}
    )


def test_the_start_form_asks_what_the_agent_asks_for(client: Client, agent: Agent, admin: Any) -> None:
    days = {"name": "days", "label": "Days", "kind": "number"}
    sure = {"name": "sure", "label": "Sure", "kind": "yes_no", "required": True}
    publish_agent(Actor(admin), agent, inputs=[ORDER, CHOICE, days, sure])
    for address in (reverse("run-new"), reverse("run-new-inputs")):
        page = client.get(address, {"agent": f"{agent.team.slug}/{agent.name}"}).content.decode()
        assert "Order number" in page and "Such as A-1." in page
        assert re.search(r"<option selected>kind</option>", page)
    answer = start(client, agent, **{"input.order": "  ", "input.days": "five", "input.sure": "yes"})
    assert answer.status_code == 422
    assert "This is needed to start" in answer.content.decode() and 'value="five"' in answer.content.decode()
    answer = start(client, agent, **{"input.order": "A-1", "input.days": "five", "input.sure": "yes"})
    assert "This must be a number" in answer.content.decode()
    assert not Run.objects.exists()
    typed = {"input.order": "A-1", "input.days": "5", "input.sure": "no", "input.mood": ""}
    assert start(client, agent, **typed).status_code == 302
    assert Run.objects.get().inputs == {"order": "A-1", "days": 5, "sure": False, "mood": "kind"}


def test_rest_and_the_page_ask_for_the_same(agent: Agent, admin: Any) -> None:
    publish_agent(Actor(admin), agent, inputs=[ORDER])
    caller = make.caller(admin)
    body: dict[str, Any] = {"agent": agent.name, "goal": "Do it."}
    refused = caller.post("/api/runs", body, content_type="application/json")
    assert (refused.status_code, refused.json()["field"]) == (422, "inputs.order")
    body["inputs"] = {"order": "A-1"}
    assert caller.post("/api/runs", body, content_type="application/json").status_code == 201
