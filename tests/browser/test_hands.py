"""Hands quicker than the network, and a network that fails: what one sees is what one decides, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from agentops.accounts.access import Actor
from agentops.core.tools import Tier
from approvals.actions import claim
from approvals.models import ApprovalRequest
from tests.acceptance.stack import eventually
from tests.acceptance.world import turn, use
from tests.api import factories
from tests.approvals.factories import request as ask

from .desk import SLOW, Desk, head, live, opened, strip

pytestmark = pytest.mark.browser

FAILING = ["Failed to load resource", "Failed to fetch", "ERR_INTERNET_DISCONNECTED", "WebSocket connection"]


@contextmanager
def held(page: Page, address: str | re.Pattern[str]) -> Iterator[list[Route]]:
    """Requests to the address go on when the block ends."""
    routes: list[Route] = []
    over = False

    def hold(route: Route) -> None:
        route.continue_() if over else routes.append(route)

    page.route(address, hold)
    yield routes
    over = True
    for route in routes:
        route.continue_()


def queue(desk: Desk, requests: list[ApprovalRequest]) -> Page:
    page = desk.page("/approvals/")
    expect(opened(page, requests[0].pk)).to_be_visible()
    expect(live(page)).to_have_attribute("data-state", "live")
    return page


def payments(desk: Desk, *whom: str) -> list[ApprovalRequest]:
    desk.set_tier("pay", "high")
    return [desk.waits(desk.start(turn(use("pay", what=what))))[0] for what in whom]


def test_what_is_highlighted_is_what_is_open_however_fast_one_goes_down_the_list(desk: Desk) -> None:
    requests = [ask(desk.team) for _ in range(5)]
    page = queue(desk, requests)
    with held(page, re.compile(r"/approvals/[0-9a-f-]{36}$")):
        for _ in range(4):
            page.keyboard.press("j")
        expect(strip(page, requests[4]).get_by_role("link")).to_have_attribute("aria-current", "true")
    expect(opened(page, requests[4].pk)).to_be_visible()


def test_an_answer_that_comes_late_leaves_what_is_open_now_and_what_is_typed(desk: Desk) -> None:
    baker, tailor, smith = payments(desk, "the baker", "the tailor", "the smith")
    page = queue(desk, [baker])
    with held(page, "**/claim"):
        page.keyboard.press("c")
        page.keyboard.press("j")
        expect(opened(page, tailor.pk)).to_be_visible()
    expect(strip(page, baker)).to_contain_text(f"{desk.person.username} is looking")
    expect(opened(page, tailor.pk)).to_be_visible()
    with held(page, "**/decision"):
        page.keyboard.press("a")
        strip(page, smith).get_by_role("link").click()
        expect(opened(page, smith.pk)).to_be_visible()
        page.keyboard.press("r")
        page.keyboard.type("Not yet, a")
    expect(page.locator("#toasts")).to_contain_text("Approved: Pay the tailor")
    expect(strip(page, tailor)).to_have_count(0)
    expect(opened(page, smith.pk)).to_be_visible()
    page.keyboard.type(" word")
    expect(opened(page).get_by_label("Reason, given to the agent")).to_have_value("Not yet, a word")
    smith.refresh_from_db()
    assert smith.status == "pending"


@pytest.mark.parametrize(("key", "field"), [("e", "to"), ("r", "Reason, given to the agent")])
def test_a_renewal_that_comes_late_takes_nothing_away_that_was_begun(desk: Desk, key: str, field: str) -> None:
    request = ask(desk.team)
    other = factories.person(desk.team)
    page = queue(desk, [request])
    address = re.compile(r"/approvals/[0-9a-f-]{36}$")
    with page.expect_response(address), held(page, address) as routes:
        claim(Actor(other), request.pk)
        eventually(lambda: page.evaluate("true") and routes, "the request is asked for anew")
        page.keyboard.press(key)
        expect(page.get_by_label(field, exact=True)).to_be_focused()
        page.keyboard.type("a")
    if key == "r":
        expect(opened(page, request.pk)).to_contain_text(f"{other.username} is looking at this")
    page.keyboard.type("b")
    expect(page.get_by_label(field, exact=True)).to_have_value(re.compile("ab"))


def test_the_second_click_of_two_decides_nothing_that_the_first_brought(desk: Desk) -> None:
    baker, tailor = payments(desk, "the baker", "the tailor")
    page = queue(desk, [baker])
    box = opened(page).get_by_role("button", name="Approve").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    expect(opened(page, tailor.pk)).to_be_visible()
    expect(opened(page).get_by_role("button", name="Approve")).to_be_enabled()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.keyboard.press("c")  # what comes after it, so that it has been heard
    expect(opened(page, tailor.pk)).to_contain_text("You are looking at this")
    tailor.refresh_from_db()
    assert tailor.status == "pending"


def test_the_way_back_stays_until_it_was_taken(desk: Desk, lenient: str) -> None:
    (baker,) = payments(desk, "the baker")
    page = desk.page(f"{lenient}/approvals/")
    expect(live(page)).to_have_attribute("data-state", "live")
    page.keyboard.press("a")
    back = page.locator("#toasts .take-back")
    expect(back).to_be_visible()
    for text in "abcde":
        page.evaluate("text => document.dispatchEvent(new CustomEvent('toast', { detail: { text } }))", text)
    expect(page.locator("#toasts .toast")).to_have_count(4)
    desk.expected += FAILING
    page.context.set_offline(True)
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("was not reached")
    page.context.set_offline(False)
    page.keyboard.press("z")
    expect(opened(page, baker.pk)).to_have_attribute("data-status", "pending")
    expect(back).to_have_count(0)
    baker.refresh_from_db()
    assert baker.status == "pending"


def test_a_page_whose_sign_in_is_over_says_so_and_holds_no_sign_in_form(desk: Desk) -> None:
    page = desk.page("/workers/")
    desk.expected += FAILING
    page.context.clear_cookies()
    expect(page.locator("#toasts")).to_contain_text("You were signed out", timeout=SLOW)
    expect(page.get_by_label("Username")).to_have_count(0)
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()


def test_a_request_that_could_not_be_fetched_is_asked_for_again(desk: Desk) -> None:
    requests = [ask(desk.team) for _ in range(2)]
    page = queue(desk, requests)
    desk.expected += FAILING
    refused: list[Route] = []
    page.route(f"**/approvals/{requests[1].pk}", lambda route: (refused.append(route), route.abort()))
    page.keyboard.press("j")
    eventually(lambda: page.evaluate("true") and refused, "it is asked for")
    page.unroute_all()
    expect(opened(page, requests[1].pk)).to_be_visible()


def test_the_overview_asks_again_when_the_server_was_not_well(desk: Desk) -> None:
    (request,) = payments(desk, "the baker")
    page = desk.page("/")
    expect(live(page)).to_have_attribute("data-state", "live")
    expect(page.locator("#overview")).to_contain_text("Pay the baker")
    desk.expected += FAILING
    refused: list[Route] = []
    page.route("**/overview/live*", lambda route: (refused.append(route), route.fulfill(status=503)))
    desk.decide_by_rest(request, desk.person, decision="approve")
    eventually(lambda: page.evaluate("true") and refused, "it asks for what is new")
    page.unroute_all()
    expect(page.locator("#overview")).to_contain_text("Nothing waits for you")


def test_a_countdown_held_elsewhere_stops_on_the_runs_page(desk: Desk) -> None:
    desk.set_tier("publish", "medium", seconds=600)
    run = desk.start(turn(use("publish", what="the news")))
    (request,) = desk.waits(run)
    page = desk.page(f"/runs/{run.pk}/")
    expect(live(page)).to_have_attribute("data-state", "live")
    asked = page.locator(f"#decide-{request.pk}")
    expect(asked.get_by_role("button", name="Hold")).to_be_visible()
    expect(page.locator(".call .countdown")).to_have_count(1)
    desk.decide_by_rest(request, factories.person(desk.team), decision="hold")
    expect(page.locator(".call .countdown")).to_have_count(0)
    asked.get_by_role("button", name="Approve").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)


def test_a_page_whose_clock_is_wrong_is_set_right_by_the_server(desk: Desk) -> None:
    ask(desk.team, Tier.MEDIUM, seconds=20 * 60 + 30)
    page = desk.page("/approvals/")
    left = page.locator(".strip .countdown b")
    expect(left).to_have_text(re.compile("^20:"))
    page.evaluate("const right = Date.now; Date.now = () => right() - 300000")  # as on a page from the browser's cache
    expect(left).to_have_text(re.compile("^25:"))
    expect(left).to_have_text(re.compile("^(20|19):"), timeout=SLOW)
