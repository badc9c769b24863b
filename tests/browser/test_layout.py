"""What arrives by itself moves nothing that somebody reads, and a link to a far step loads little."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from runs.models import Step
from tests.acceptance.world import turn, use
from tests.api import factories

from .desk import SLOW, Desk, head, strip

pytestmark = pytest.mark.browser

WATCH = """window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    const where = one.sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 80)).join(" | ");
    window.shifts.push([one.value, where]);
  }
}).observe({ type: "layout-shift", buffered: true });"""
GOOD = 0.1
"""Of a whole page's life, as browsers measure it."""


def shifts(page: Page) -> list[tuple[float, str]]:
    """How far what was on the page moved by itself, and what it was."""
    return [(round(value, 4), what) for value, what in page.evaluate("window.shifts")]


def watched(desk: Desk, path: str) -> Page:
    page = desk.context(desk.person, viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(path)
    expect(page.locator("[data-live]").first).to_have_attribute("data-state", "live")
    assert sum(value for value, _ in shifts(page)) < GOOD, shifts(page)
    page.evaluate("window.shifts.length = 0")
    return page


def test_live_rows_move_nothing(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    run = desk.start(turn(use("pay", what="first")))
    (first,) = desk.waits(run)
    inbox, runs, overview = (watched(desk, path) for path in (f"/approvals/{first.pk}", "/runs/", "/"))
    (second,) = desk.waits(desk.start(turn(use("pay", what="second"))))
    expect(inbox.locator("#arrivals").or_(strip(inbox, second)).filter(visible=True).first).to_be_visible()
    expect(runs.locator("#arrivals")).to_contain_text("1 new")
    expect(overview.locator(f"#need-{second.pk}")).to_be_visible()
    desk.decide_by_rest(first, factories.person(desk.team), decision="reject", reason="no")
    expect(overview.locator(f"#need-{first.pk}")).to_have_count(0)
    expect(runs.locator(f'[data-id="{run.pk}"]')).to_contain_text("Succeeded", timeout=SLOW)
    expect(strip(inbox, first)).not_to_have_attribute("data-status", "pending")
    assert shifts(runs) == []
    assert [what for _, what in shifts(inbox) if "strip" in what] == []
    assert sum(value for value, _ in shifts(inbox)) < GOOD / 10, shifts(inbox)
    assert sum(value for value, _ in shifts(overview)) < GOOD, shifts(overview)


def test_a_run_grows_at_its_end_alone(desk: Desk) -> None:
    words = " ".join(f"word-{number}" for number in range(200))
    run = desk.start({"text": words, "deltas": 100, "delay_ms": 40})
    page = watched(desk, f"/runs/{run.pk}/")
    expect(page.locator("#stream-1")).to_contain_text("word-150", timeout=SLOW)
    assert sum(value for value, _ in shifts(page)) < GOOD, shifts(page)
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)


def test_a_link_to_a_far_step_loads_those_around_it(desk: Desk) -> None:
    now = timezone.now()
    run = factories.run(desk.agent, status="succeeded", steps=500, started_at=now, ended_at=now)
    words = [{"type": "text", "text": "On time."}]
    Step.objects.bulk_create(
        Step(
            run=run, number=number, fence=1, status="answered", input={"role": "user", "content": words}, output=words,
            opened_at=now + timedelta(seconds=number),
        )
        for number in range(1, 501)
    )  # fmt: skip
    page = desk.page(f"/runs/{run.pk}/#step-10")
    expect(page.locator("#step-10")).to_be_in_viewport()
    expect(page.locator(".step")).to_have_count(79)  # 1 to 39, and the last 40
    page.get_by_role("button", name="Show the 421 steps between").press("Enter")
    expect(page.locator("#step-139")).to_be_attached()
    expect(page.locator("#step-40")).to_be_focused()
    page.evaluate("location.hash = '#step-300'")
    expect(page.locator("#step-300")).to_be_in_viewport()
    numbers = page.locator(".step").evaluate_all("steps => steps.map((step) => Number(step.dataset.number))")
    assert numbers == [*range(1, 140), *range(290, 330), *range(461, 501)]
