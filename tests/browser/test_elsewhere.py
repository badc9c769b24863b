"""What somebody decides elsewhere shows at once on every open page, and who comes second learns who was first."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from approvals.models import ApprovalRequest
from approvals.pages.inbox import FIRST
from runs.models import ToolCall
from tests.acceptance.world import call_id, ended, turn, use
from tests.api import factories
from tests.approvals import factories as make

from .desk import SLOW, Desk, head, live, opened, strip

pytestmark = pytest.mark.browser

NEVER_RELOADED = "window.neverReloaded"


def test_a_decision_by_rest_shows_on_open_pages_without_reload(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    run = desk.start(turn(use("pay", what="the baker")), {"text": "Then not."})
    (request,) = desk.waits(run)
    pages = queue, inline, overview = [
        desk.page(path) for path in (f"/approvals/{request.pk}", f"/runs/{run.pk}/", "/")
    ]
    for page in pages:
        page.evaluate(f"{NEVER_RELOADED} = true")
        expect(live(page)).to_have_attribute("data-state", "live")
    expect(inline.get_by_role("button", name="Approve")).to_be_visible()
    expect(overview.locator(f"#need-{request.pk}")).to_be_visible()

    other = factories.person(desk.team)
    desk.decide_by_rest(request, other, decision="reject", reason="Too dear.")

    expect(opened(queue, request.pk)).to_have_attribute("data-status", "rejected")
    expect(opened(queue)).to_contain_text(f"by {other.username}")
    expect(opened(queue)).to_contain_text("Too dear.")
    expect(strip(queue, request)).to_have_attribute("data-status", "rejected")
    expect(inline.locator(".call")).to_contain_text(f"Rejected by {other.username}")
    expect(inline.get_by_role("button", name="Approve")).to_have_count(0)
    expect(overview.locator(f"#need-{request.pk}")).to_have_count(0)
    for page in (queue, overview):
        expect(page.locator("#pending-count")).to_have_attribute("data-count", "0")
    expect(head(inline)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(inline.get_by_role("region", name="Answer")).to_contain_text("Then not.")
    assert all(page.evaluate(NEVER_RELOADED) for page in pages)


def test_a_new_request_waits_behind_a_bar_while_somebody_works_in_the_queue(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    (first,) = desk.waits(desk.start(turn(use("pay", what="the baker"))))
    page = desk.page("/approvals/")
    strip(page, first).get_by_role("link").focus()
    (second,) = desk.waits(desk.start(turn(use("pay", what="the tailor"))))
    bar = page.get_by_role("button", name="1 new")
    expect(bar).to_be_visible()
    expect(page.locator("#pending-count")).to_have_attribute("data-count", "2")
    expect(strip(page, second)).to_have_count(0)
    bar.click()
    expect(strip(page, second)).to_be_visible()
    expect(bar).to_be_hidden()


def test_the_loser_of_a_race_sees_who_decided(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    run = desk.start(turn(use("pay", what="the baker")))
    (request,) = desk.waits(run)
    # The slow ones: their sockets stay silent, so their pages do not know yet.
    slow = [desk.context(desk.person).new_page() for _ in range(2)]
    for page in slow:
        page.route_web_socket("**/ws/**", lambda socket: None)
    queue, inline = slow
    queue.goto("/approvals/")
    inline.goto(f"/runs/{run.pk}/")
    expect(opened(queue, request.pk)).to_be_visible()
    expect(inline.get_by_role("button", name="Approve")).to_be_visible()

    other = factories.person(desk.team)
    fast = desk.page("/approvals/", other)
    expect(opened(fast, request.pk)).to_be_visible()
    fast.keyboard.press("a")
    expect(fast.locator("#toasts")).to_contain_text("Approved")

    desk.expected.append("409")
    queue.keyboard.press("r")
    queue.keyboard.type("No.")
    queue.keyboard.press("Enter")
    expect(opened(queue).get_by_role("alert")).to_contain_text("your decision was not taken")
    expect(opened(queue).get_by_role("alert")).to_contain_text(f"by {other.username}")
    inline.get_by_role("button", name="Approve").click()
    expect(inline.locator(".call")).to_contain_text(f"by {other.username}")
    expect(inline.get_by_role("button", name="Approve")).to_have_count(0)
    assert ended(run).status == "succeeded"
    assert desk.site.ledger.count()[call_id(ToolCall.objects.get(pk=request.subject_id))] == 1


def test_the_far_end_of_a_long_queue_comes_when_somebody_gets_there(desk: Desk) -> None:
    waiting = [make.request(desk.team) for _ in range(FIRST + 7)]
    page = desk.page("/approvals/")
    assert page.request.get("/approvals/").text().count('<li class="strip"') == FIRST
    expect(page.locator("#pending-count")).to_have_attribute("data-count", str(len(waiting)))
    page.evaluate("document.querySelector('.strips-rest')?.scrollIntoView()")
    expect(page.locator("#strips .strip")).to_have_count(len(waiting))
    expect(page.locator(".strips-rest")).to_have_count(0)
    expect(page.locator("#arrivals")).to_be_hidden()
    page.close()
    ApprovalRequest.objects.filter(team=desk.team).delete()
