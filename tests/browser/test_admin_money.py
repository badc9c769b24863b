"""The admin's main task: set a budget, see a run wait for it, raise it, see the run go on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from runs.models import BudgetChange
from tests.acceptance.world import turn, use

from .desk import SLOW, Desk, head

pytestmark = pytest.mark.browser


def test_a_run_waits_for_a_budget_and_goes_on_when_it_is_raised(desk: Desk) -> None:
    page = desk.page("/budgets/")
    page.get_by_label("For", exact=True).select_option(label=f"{desk.team.name}, all of it")
    page.locator("#limit").fill("0")
    page.get_by_role("button", name="Set it").click()
    budget = page.locator(".budget", has_text=desk.team.name)
    expect(budget).to_contain_text("used up")

    run = desk.start(turn(use("look"), text="One look."))
    overview = desk.page("/")
    waits = overview.locator(f"#starved-{run.pk}")
    expect(waits).to_be_visible(timeout=SLOW)
    page.reload()
    page.locator("#starved").get_by_role("link").click()
    expect(head(page)).to_have_attribute("data-status", "waiting")

    overview.get_by_role("link", name="Budgets and spend").click()
    budget = overview.locator(".budget", has_text=desk.team.name)
    budget.get_by_text("Change").click()
    budget.get_by_label("Limit in USD").fill("5")
    budget.get_by_role("button", name="Save").click()
    expect(overview.locator("#toasts")).to_contain_text("Saved")
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    overview.get_by_text("who set which budget").click()
    expect(overview.locator("#changes")).to_contain_text("$0.00 → $5.00")
    kept = BudgetChange.objects.filter(team=desk.team).order_by("id").values_list("after_usd", "by_name")
    assert list(kept) == [(0, desk.person.username), (5, desk.person.username)]


def test_a_form_is_used_by_keyboard_alone(desk: Desk) -> None:
    page = desk.page("/budgets/")
    page.locator("#limit").focus()
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Write an amount")
    expect(page.locator("#limit")).to_have_value("much")
    desk.expected.append("422")
    page.locator("#limit").fill("12.50")
    page.locator("#limit").press("Enter")
    expect(page.locator(".budget", has_text=desk.team.name)).to_contain_text("$12.50")
