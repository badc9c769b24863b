"""Pages for people who cannot see them or use no mouse: names, headings, landmarks, visible focus."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import Page

from tests.acceptance.world import turn, use

from .desk import Desk

pytestmark = pytest.mark.browser

CONTROLS = {
    "button", "checkbox", "combobox", "DisclosureTriangle", "link", "menuitem", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip

FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  return { tag: one.outerHTML.slice(0, 120), shown: outlineStyle !== "none" && parseFloat(outlineWidth) > 0 };
}"""
SAME_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


def roles(page: Page) -> list[tuple[str, str]]:
    """As the browser tells them to a screen reader: role and name."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    said = [node for node in nodes if not node["ignored"]]
    return [(node["role"]["value"], node.get("name", {}).get("value", "").strip()) for node in said]


@pytest.fixture
def addresses(desk: Desk) -> list[str]:
    desk.set_tier("pay", "critical")
    desk.set_tier("publish", "medium", seconds=600)
    runs = [desk.start(turn(use(tool, what="it"))) for tool in ("publish", "pay")]
    medium, critical = desk.waits(*runs)
    of_requests = [f"/approvals/{medium.pk}", f"/approvals/{critical.pk}", "/approvals/history/"]
    return ["/", *of_requests, "/runs/", "/runs/new", *(f"/runs/{run.pk}/" for run in runs), "/agents/", "/outbox/"]


def test_every_control_has_a_name_and_every_page_its_landmarks(desk: Desk, addresses: list[str]) -> None:
    page = desk.page("/")
    for address in addresses:
        page.goto(address)
        found = roles(page)
        assert [role for role, name in found if role in CONTROLS and not name] == [], address
        count = Counter(role for role, _ in found)
        assert count["main"] == 1 and count["navigation"] >= 1, address
        assert page.locator("h1").count() == 1, address
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.title().endswith("AgentOps"), address
        assert page.evaluate(SAME_IDS) == [], address


def test_focus_is_always_visible(desk: Desk, addresses: list[str]) -> None:
    page = desk.page("/")
    for address in addresses:
        page.goto(address)
        seen = []
        while (focus := page.evaluate(f"{FOCUS}", page.keyboard.press("Tab"))) and len(seen) < 60:
            seen.append(focus)
        assert len(seen) > 5, address
        assert [focus["tag"] for focus in seen if not focus["shown"]] == [], address


def test_the_first_tab_leads_past_the_navigation(desk: Desk) -> None:
    page = desk.page("/runs/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
