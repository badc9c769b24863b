"""A plan before a person, in the browser: read, changed, approved, and watched until it is done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from approvals.models import ApprovalRequest
from runs.models import Run
from tests.acceptance.world import turn
from tests.api import factories

from .desk import MODEL, SLOW, TOOLS, Desk, head, opened

pytestmark = pytest.mark.browser


def planned(key: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Find {key}", "instruction": f"Find {key}.", "after": list(after), **more}


def says(words: str) -> str:
    """An instruction that brings its run's script."""
    return f'Say it.\n```sim {{"turns": [{{"text": "{words}"}}]}}```'


def asks(desk: Desk, *steps: dict[str, Any]) -> ApprovalRequest:
    desk.agent = factories.agent(
        desk.team, tools=TOOLS, planning="reviewed", model_chain=[MODEL], max_output_tokens=1024, max_seconds=600,
        max_children=8, max_parallel_children=2,
    )  # fmt: skip
    run = desk.start(turn(text=json.dumps({"steps": list(steps)})), turn(text="All of it: 42."))
    return desk.waits(run)[0]


def test_a_plan_is_changed_approved_and_watched_until_the_answer(desk: Desk) -> None:
    request = asks(desk, planned("forty", tools=["look"], max_tool_calls=1), planned("two", "forty"))
    page = desk.page(f"/approvals/{request.pk}")
    watching = desk.page(f"/runs/{request.context['run_id']}/")
    expect(opened(page)).to_contain_text("wants to work by this plan")
    expect(page.locator(".graph-node")).to_have_count(2)
    page.keyboard.press("e")
    first, second, third = (page.locator(".plan-edit").nth(number) for number in range(3))
    expect(first.get_by_label("Title")).to_be_focused()
    first.get_by_label("Instruction").fill(says("Forty."))
    second.get_by_label("Instruction").fill(says("And two."))
    page.get_by_role("button", name="Add a step").click()
    expect(third.get_by_label("Title")).to_be_focused()
    page.keyboard.type("Find nothing")
    third.get_by_label("Instruction").fill(says("Nothing more."))
    third.get_by_label("1. Find forty").check()
    expect(page.locator(".graph-edge")).to_have_count(2)
    expect(page.locator(".graph-node")).to_have_count(3)
    expect(first.get_by_label("Instruction")).to_have_value(says("Forty."))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast", has_text="Approved with changes")).to_be_visible()
    plan = watching.locator("#run-plan")
    for title in ("Find forty", "Find two", "Find nothing"):
        step = plan.locator(".plan-step", has_text=title).first
        expect(step).to_have_attribute("data-status", "done", timeout=SLOW)
    expect(plan.locator('.graph-node[data-status="done"]')).to_have_count(3)
    expect(head(watching)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(head(watching)).to_contain_text("All of it: 42.")
    expect(plan).to_contain_text(f"changed by {desk.person.username}")
    assert Run.objects.filter(parent=request.context["run_id"], status="succeeded").count() == 3


def test_what_is_wrong_keeps_the_form_and_leads_to_its_place(desk: Desk) -> None:
    desk.expected.append("422")
    request = asks(desk, planned("a"), planned("b", "a"), planned("c", "b"))
    page = desk.page(f"/approvals/{request.pk}/arguments")
    steps = page.locator(".plan-edit")
    steps.nth(0).get_by_label("3. Find c").check()
    steps.nth(0).get_by_label("Title").fill("Typed")
    page.keyboard.press("Control+Enter")
    expect(steps.nth(2).get_by_role("alert")).to_contain_text("in a circle")
    expect(steps.nth(0).get_by_label("3. Find c")).to_be_focused()
    steps.nth(0).get_by_role("button", name="Take step 1 out").click()
    expect(page.get_by_role("button", name="Put Typed back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(steps.nth(0).get_by_label("Title")).to_be_focused()
    expect(steps.nth(0).get_by_label("Title")).to_have_value("Typed")
    steps.nth(0).get_by_role("button", name="Move step 1 down").click()
    expect(steps.nth(1).get_by_label("Title")).to_have_value("Typed")
    request.refresh_from_db()
    assert request.status == "pending"
