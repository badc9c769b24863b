"""However a page loses its socket, nothing of the run is missing or doubled afterwards, and it said so meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from agentops.accounts.access import Actor
from approvals.actions import claim
from runs.actions import pause_run
from runs.models import Run
from tests.acceptance.stack import eventually
from tests.acceptance.world import ended, turn, use
from tests.api import factories
from tests.approvals.factories import request as ask

from .desk import SLOW, Desk, head, live, opened, strip

pytestmark = pytest.mark.browser

TURNS = [
    turn(use("look", at=f"part {number}"), text=f"Turn {number} of many.", deltas=6, delay_ms=60)
    for number in range(1, 9)
]


def steps(page: Page) -> list[str]:
    numbers: list[str] = page.locator("#timeline .step").evaluate_all("all => all.map(one => one.dataset.number)")
    return numbers


def assert_whole(page: Page, run: Run) -> None:
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    run.refresh_from_db()
    expect(head(page)).to_have_attribute("data-seq", str(run.seq))
    assert steps(page) == [str(number) for number in range(1, len(TURNS) + 2)]
    for number in range(1, len(TURNS) + 1):
        step = page.locator(f"#step-{number}")
        expect(step.get_by_text(f"Turn {number} of many.", exact=True)).to_have_count(1)
        expect(step.locator(".call")).to_have_count(1)


def test_the_web_server_dies_and_comes_back_while_the_run_goes_on(desk: Desk) -> None:
    run = desk.start(*TURNS)
    page = desk.page(f"/runs/{run.pk}/")
    page.evaluate("window.neverReloaded = true")
    expect(page.locator("#step-2")).to_be_visible(timeout=SLOW)
    desk.expected += ["WebSocket connection", "Failed to load resource", "Failed to fetch"]
    desk.site.kill("web")
    state = live(page)
    expect(state).to_have_text("Reconnecting")
    lost = page.get_by_role("status").filter(has_text="Reconnecting, showing")
    expect(lost).to_be_visible()
    assert ended(run).status == "succeeded"
    expect(head(page)).not_to_have_attribute("data-status", "succeeded")
    desk.site.ensure(["web"])
    assert_whole(page, run)
    expect(state).to_have_text("Live")
    expect(lost).to_be_hidden()
    assert page.evaluate("window.neverReloaded")


def test_a_socket_that_breaks_again_and_again_leaves_no_gap(desk: Desk) -> None:
    broken = []

    def break_after_five(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        heard = []

        def pass_on(message: str | bytes) -> None:
            heard.append(message)
            if len(heard) < 5:
                socket.send(message)
            elif len(heard) == 5:
                broken.append(socket.url)
                socket.close(code=4000)
                server.close()

        server.on_message(pass_on)

    run = desk.start(*TURNS)
    page = desk.context(desk.person).new_page()
    page.route_web_socket("**/ws/runs/**", break_after_five)
    page.goto(f"/runs/{run.pk}/")
    assert_whole(page, run)
    assert len(broken) > 3


@contextmanager
def queue_cut_off(desk: Desk) -> Iterator[Page]:
    """The queue, open and without its socket while the block runs."""
    sockets: list[WebSocketRoute] = []
    page = desk.context(desk.person).new_page()
    page.route_web_socket("**/ws/approvals*", lambda socket: (sockets.append(socket), socket.connect_to_server()))
    page.goto("/approvals/")
    state = live(page)
    expect(state).to_have_text("Live")
    page.context.set_offline(True)
    desk.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection"]
    sockets[0].close(code=4000)
    expect(state).to_have_text("Reconnecting")
    yield page
    page.context.set_offline(False)
    expect(state).to_have_text("Live")


def test_a_decision_made_while_the_queue_was_cut_off_shows_when_it_is_back(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    runs = [desk.start(turn(use("pay", what=what))) for what in ("the baker", "the tailor")]
    requests = desk.waits(*runs)
    with queue_cut_off(desk) as page:
        for request in requests:
            desk.decide_by_rest(request, desk.person, decision="approve")
    expect(page.locator("#pending-count")).to_have_attribute("data-count", "0")
    expect(page.locator("#strips .strip")).to_have_count(0)


def test_a_claim_made_while_the_queue_was_cut_off_shows_when_it_is_back(desk: Desk) -> None:
    request = ask(desk.team)
    other = factories.person(desk.team)
    with queue_cut_off(desk) as page:
        expect(opened(page, request.pk)).to_be_visible()
        claim(Actor(other), request.pk)
    expect(strip(page, request)).to_contain_text(f"{other.username} is looking")
    expect(opened(page, request.pk)).to_contain_text(f"{other.username} is looking at this")


@pytest.mark.parametrize("place", ["queue", "run"])
def test_news_that_could_not_be_fetched_are_asked_for_again(desk: Desk, place: str) -> None:
    desk.set_tier("pay", "high")
    run = desk.start(turn(use("pay", what="the baker")))
    (request,) = desk.waits(run)
    page = desk.page("/approvals/" if place == "queue" else f"/runs/{run.pk}/")
    expect(live(page)).to_have_text("Live")
    refused: list[Route] = []
    page.route(
        "**/rows?*" if place == "queue" else "**/updates?*", lambda route: (refused.append(route), route.abort())
    )
    desk.expected += ["Failed to load resource", "Failed to fetch"]
    if place == "queue":
        desk.decide_by_rest(request, desk.person, decision="approve")
    else:
        pause_run(Actor(desk.person), run.pk)
    # Playwright refuses only while it is asked something.
    eventually(lambda: page.evaluate("true") and refused, "the page asks for what is new")
    page.unroute_all()
    if place == "queue":
        expect(page.locator("#pending-count")).to_have_attribute("data-count", "0")
        expect(strip(page, request)).to_have_count(0)
    else:
        expect(head(page)).to_have_attribute("data-status", "paused")
