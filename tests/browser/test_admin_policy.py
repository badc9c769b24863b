"""The admin's tasks: a rule changed and published decides the next call; an agent made with an input is started."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agentops.accounts.access import Actor
from approvals.actions import open_policy, publish_policy, save_draft
from approvals.models import Policy
from runs.actions import publish_agent
from runs.models import Agent, Run
from tests.acceptance.world import ended, turn, use

from .desk import MODEL, SLOW, Desk, head, script
from .test_pages import look_at

pytestmark = pytest.mark.browser


def rule(name: str, **more: Any) -> dict[str, Any]:
    known = {"tool": "*", "agent": "*", "taint": "any", "condition": "", "tier": "low"}
    return {"name": name, **known, "timer_seconds": None, "on_deadline": "", **more}


def published(desk: Desk, *rules: dict[str, Any]) -> Policy:
    admin = Actor(desk.person)
    policy = open_policy(admin, desk.team)
    save_draft(admin, policy, list(rules))
    publish_policy(admin, policy)
    return policy


def test_a_rule_that_is_changed_and_published_decides_the_next_call(desk: Desk) -> None:
    published(desk, rule("Payments", tool="pay"))
    assert ended(desk.start(turn(use("pay", what="bread")))).status == Run.Status.SUCCEEDED
    page = desk.page("/")
    page.get_by_role("link", name="Policy").first.click()
    page.get_by_role("link", name="Change rule 1").click()
    page.get_by_label("Only when").fill('args.wat == "gold"')
    expect(page.locator("#condition-about")).to_contain_text("Did you mean what?")
    page.get_by_label("Only when").fill("")
    page.locator("[data-insert]", has_text="args.what").click()
    page.get_by_label("Only when").fill('args.what == "gold"')
    expect(page.locator("#condition-about")).to_contain_text("It reads well")
    page.get_by_role("radio", name="High").check()
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.locator("main")).to_contain_text("1 change is not published")
    trial = page.locator("#trial")
    trial.get_by_label("Tool", exact=True).select_option("pay")
    trial.get_by_label("what", exact=True).fill("gold")
    trial.get_by_role("button", name="What would happen?").click()
    expect(trial.locator(".verdict")).to_have_count(2)
    expect(trial.locator(".verdict").nth(1)).to_contain_text("High")
    page.get_by_role("button", name="Publish…").click()
    page.get_by_label("What changed").fill("Gold waits")
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("main")).to_contain_text("Live: version 2")
    (request,) = desk.waits(desk.start(turn(use("pay", what="gold"))))
    assert (request.tier, request.rule) == ("high", "Payments")


def test_rules_are_moved_by_keyboard_and_the_focus_goes_along(desk: Desk) -> None:
    policy = published(desk, rule("First"), rule("Second"), rule("Third"))
    page = desk.page("/policy/")
    page.get_by_role("button", name="Move rule 3 up").press("Enter")
    expect(page.get_by_role("button", name="Move rule 2 up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move rule 1 down")).to_be_focused()
    assert [one.name for one in policy.rules.order_by("position")] == ["Third", "First", "Second"]


def test_an_agent_is_made_with_an_input_and_started(desk: Desk) -> None:
    page = desk.page("/agents/")
    page.get_by_role("link", name="New agent").click()
    page.get_by_label("Title", exact=True).fill("Baker's clerk")
    page.get_by_label("Name", exact=True).fill("clerk")
    page.get_by_label("Instructions", exact=True).fill("You buy bread.")
    page.locator("[name=tools][value=look]").check()
    page.get_by_label("First", exact=True).fill(MODEL)
    page.get_by_role("button", name="Add an input").click()
    expect(page.get_by_label("Label", exact=True)).to_be_focused()
    page.keyboard.type("Order number")
    page.get_by_label("Needed to start").check()
    page.get_by_role("button", name="Make the agent").click()
    expect(page).to_have_url(re.compile(r"/clerk/$"))
    assert Agent.objects.get(team=desk.team, name="clerk").live.tools == ["look"]
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Goal").fill(script(turn(use("look"))))
    page.get_by_label("Order number").fill("A-1001")
    page.get_by_role("button", name="Start").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    assert Run.objects.get(agent_name="clerk", team=desk.team).inputs == {"order_number": "A-1001"}


def test_another_agent_asks_for_other_things(desk: Desk) -> None:
    asks = [{"name": "order", "label": "Order number", "kind": "text"}]
    made = Agent.objects.create(team=desk.team, name="clerk", title="Clerk")
    publish_agent(Actor(desk.person), made, system_prompt="x", model_chain=[MODEL], inputs=asks)
    page = desk.page(f"/runs/new?agent={desk.team.slug}/{desk.agent.name}")
    expect(page.get_by_label("Order number")).to_have_count(0)
    page.get_by_role("radio", name="Clerk").check()
    expect(page.get_by_label("Order number")).to_be_visible()


def state_with_everything(desk: Desk) -> list[str]:
    """Addresses of pages with a draft, a candidate and long words."""
    long = "unbreakable" * 10
    published(desk, rule(long, tool="x" * 120))
    save_draft(Actor(desk.person), Policy.objects.get(team=desk.team), [rule("New", condition=f'args.a == "{long}"')])
    publish_agent(
        Actor(desk.person),
        desk.agent,
        candidate_percent=10,
        tools=["read_file"],
        note=long,
        system_prompt=f"{long}\n" * 5,
    )
    agent, team = f"/agents/{desk.team.slug}/{desk.agent.name}/", f"/policy/{desk.team.slug}/"
    pages = ["/agents/", agent, f"{agent}edit", f"{agent}versions/?from=1&to=2", "/agents/new", "/runs/new", "/policy/"]
    return [*pages, f"{team}rules/1", f"{team}rules/new", f"{team}versions/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_complains_or_is_wider_than_the_screen(desk: Desk, scheme: str) -> None:
    page: Page = desk.context(desk.person, color_scheme=scheme).new_page()
    for address in state_with_everything(desk):
        look_at(page, address)
