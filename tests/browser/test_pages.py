"""Every page on a phone, a tablet and a desk, light and dark: nothing complains, nothing sticks out, little is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from runs.models import OutboxMessage
from tests.acceptance.world import ended, turn, use
from tests.api import factories

from .desk import Desk

pytestmark = pytest.mark.browser

OWN_BYTES = 100_000
SIZES = [(390, 844), (768, 1024), (1440, 900)]
LONG = "unbreakable" * 40

WEIGH = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /\\/static\\/(css|js)\\//.test(name))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""
STICKS_OUT = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      .map((one) => one.outerHTML.slice(0, 120)).slice(0, 5)
  : []"""


def addresses(desk: Desk) -> list[str]:
    """With something to show on each: an ended run, one that waits, and mail."""
    desk.set_tier("pay", "high")
    decided = ended(desk.start(turn(use("look"), text=LONG)))
    run = desk.start(turn(use("pay", what=LONG)))
    (request,) = desk.waits(run)
    mail = {"sender": "a@example.com", "recipient": "b@example.com", "subject": LONG, "body": LONG}
    OutboxMessage.objects.create(run=decided, message_id=str(decided.pk), **mail)
    pages = ["/", "/approvals/", f"/approvals/{request.pk}", "/approvals/history/"]
    return [*pages, "/runs/", "/runs/new", f"/runs/{run.pk}/", f"/runs/{decided.pk}/", "/agents/", "/outbox/"]


def look_at(page: Page, address: str, status: int = 200) -> None:
    answer = page.goto(address)
    assert answer and answer.status == status, address
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(STICKS_OUT) == [], f"{address} at {width}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_complains_or_is_wider_than_the_screen(desk: Desk, scheme: str) -> None:
    page = desk.context(desk.person, color_scheme=scheme).new_page()
    for address in addresses(desk):
        look_at(page, address)
        expect(page.locator("main")).to_be_visible()
    chief = factories.person(desk.team, is_superuser=True, is_staff=True)
    look_at(desk.context(chief, color_scheme=scheme).new_page(), "/admin/")
    look_at(desk.context(color_scheme=scheme).new_page(), "/sign-in/")
    desk.expected.append("404")
    look_at(page, "/no-such-page", 404)


def test_light_and_dark_follow_the_system(desk: Desk) -> None:
    colours = {
        desk.page("/", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert len(colours) == 2


def test_our_own_styles_and_scripts_are_small(desk: Desk) -> None:
    page = desk.page("/")
    for address in addresses(desk):
        page.goto(address)
        assert 0 < page.evaluate(WEIGH) < OWN_BYTES, address
