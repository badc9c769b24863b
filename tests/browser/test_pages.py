"""Every page on a phone, a tablet and a desk, light and dark: nothing complains, nothing sticks out, little is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from runs.models import OutboxMessage
from tests.acceptance.world import ended, turn, use
from tests.api import factories

from .desk import Desk

OWN_BYTES = 100_000
SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1440, 900)}
LONG = "unbreakable" * 40

WEIGH = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /\\/static\\/(css|js)\\//.test(name))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
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
    page.wait_for_load_state("load")
    assert page.evaluate(STICKS_OUT) == [], address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit(desk: Desk, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    page = desk.context(desk.person, **options).new_page()
    for address in addresses(desk):
        look_at(page, address)
        expect(page.locator("main")).to_be_visible()
    chief = factories.person(desk.team, is_superuser=True, is_staff=True)
    look_at(desk.context(chief, **options).new_page(), "/admin/")
    look_at(desk.context(**options).new_page(), "/sign-in/")
    desk.expected.append("404")
    look_at(page, "/no-such-page", 404)


def test_our_own_styles_and_scripts_are_small(desk: Desk) -> None:
    for address in addresses(desk):
        page = desk.page(address)  # a browser of its own: nothing is in its cache
        page.wait_for_load_state("networkidle")
        assert 0 < page.evaluate(WEIGH) < OWN_BYTES, address
