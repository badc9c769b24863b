"""Another way with a run: fork it, take it over and hand it back, take back what it did."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from runs.models import Run, ToolCall
from tests.acceptance.world import ended, turn, use

from .desk import SLOW, Desk, head

pytestmark = pytest.mark.browser


def test_a_fork_goes_another_way_from_a_step(desk: Desk) -> None:
    run = ended(desk.start(turn(use("look")), turn(use("look"))))
    page = desk.page(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Fork from step 2").click()
    page.get_by_label("What you say to it there").fill("Look twice.")
    page.get_by_role("button", name="Fork").click()
    expect(head(page)).to_contain_text("Forked from another run at step 2")
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(page.locator("#step-1")).to_contain_text("shared")
    expect(page.locator("#step-2")).to_contain_text("Look twice.")
    expect(page.locator("#timeline .step")).to_have_count(3)
    assert Run.objects.get(forked_from=run).step_set.count() == 2


def test_a_person_takes_over_chooses_a_call_and_hands_back(desk: Desk) -> None:
    slow = [
        turn(use("look", at=f"part {number}"), text=f"Turn {number} of many.", deltas=6, delay_ms=60)
        for number in range(1, 7)
    ]
    desk.expected.append("422")  # a field is left empty
    run = desk.start(*slow)
    page = desk.page(f"/runs/{run.pk}/")
    expect(page.locator("#step-2")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Take over").click()
    page.locator(".order-tool", has_text="register").click(timeout=SLOW)
    page.get_by_role("button", name="Make this call").click()
    expect(page.get_by_role("alert")).to_contain_text("required")
    page.get_by_label("what").fill("the baker")
    page.get_by_role("button", name="Make this call").click()
    chosen = page.locator(".step", has_text=f"{desk.person.username} chose this call")
    expect(chosen.locator(".call")).to_contain_text("Register the baker", timeout=SLOW)
    expect(head(page)).to_have_attribute("data-status", "paused", timeout=SLOW)
    assert ToolCall.objects.get(run=run, tool="register").ordered_by == desk.person.username
    page.locator("summary", has_text="Hand back").click()
    page.get_by_role("button", name="Hand it back").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)


def test_what_a_run_did_is_taken_back_by_another_that_reports(desk: Desk) -> None:
    run = ended(desk.start(turn(use("register", what="the baker")), turn(use("pay", what="the baker"))))
    page = desk.page(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Roll back").click()
    expect(page.locator("main")).to_contain_text("Unregister the baker")
    expect(page.locator("main")).to_contain_text("pay says of no way back")
    page.get_by_role("button", name="Take 1 action back").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(head(page)).to_contain_text("Undone: Register the baker")
    expect(head(page)).to_contain_text("Not undone: Pay the baker")
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator(".call", has_text="Register the baker")).to_contain_text("taken back")
