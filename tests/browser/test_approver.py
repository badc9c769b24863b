"""What an approver does all day, from sign-in to result, without a mouse; and what fits on their screens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from approvals.models import ApprovalRequest
from runs.models import ToolCall
from tests.acceptance.world import call_id, ended, turn, use
from tests.api import factories
from tests.approvals.factories import request as ask

from .desk import MODEL, TOOLS, Desk, live, opened, strip

pytestmark = pytest.mark.browser


def sign_in(desk: Desk, url: str) -> Page:
    desk.person.set_password("a-long-passphrase")
    desk.person.save()
    page = desk.context().new_page()
    page.goto(f"{url}/sign-in/")
    page.get_by_label("Username").focus()
    page.keyboard.type(desk.person.username)
    page.keyboard.press("Tab")
    page.keyboard.type("a-long-passphrase")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-page", "overview")
    expect(live(page)).to_have_attribute("data-state", "live")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("#inbox")).to_be_visible()
    expect(live(page)).to_have_attribute("data-state", "live")
    return page


def test_from_sign_in_to_the_results_by_keyboard_only(desk: Desk, lenient: str) -> None:
    for tool in ("pay", "register"):
        desk.set_tier(tool, "high")
    desk.agent = factories.agent(
        desk.team, tools=[*TOOLS, "ask_human"], model_chain=[MODEL], max_output_tokens=1024, max_seconds=600
    )
    runs = [desk.start(turn(use("pay", what=what))) for what in ("the baker",)]
    waiting = desk.waits(runs[0])
    for turns in (
        turn(use("pay", what="the tailor")),
        turn(use("pay", what="the smith")),
        turn(use("ask_human", question="Which carrier?", options=["DHL", "The post"])),
        *(turn(use("register", what=what)) for what in ("one", "two", "three")),
    ):
        runs.append(desk.start(turns))
        waiting += desk.waits(runs[-1])
    baker, tailor, smith, question, *group = waiting
    page = sign_in(desk, lenient)
    expect(opened(page, baker.pk)).to_be_visible()

    # Approve, think again, approve.
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Approved: Pay the baker")
    expect(opened(page, tailor.pk)).to_be_visible()
    page.keyboard.press("z")
    expect(opened(page, baker.pk)).to_have_attribute("data-status", "pending")
    expect(page.locator("#toasts")).to_contain_text("Taken back")
    expect(strip(page, baker).get_by_role("link")).to_have_attribute("aria-current", "true")
    page.keyboard.press("a")

    # Change what is paid, and approve that.
    expect(opened(page, tailor.pk)).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_label("what")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("the cobbler")
    expect(page.locator("#request")).to_contain_text("The agent asked: the tailor")
    page.keyboard.press("Control+Enter")

    expect(opened(page, smith.pk)).to_be_visible()
    page.keyboard.press("r")
    expect(opened(page).get_by_label("Reason, given to the agent")).to_be_focused()
    page.keyboard.type("Not this month.")
    page.keyboard.press("Enter")

    expect(opened(page, question.pk)).to_have_attribute("data-tier", "question")
    page.keyboard.press("a")
    expect(opened(page).get_by_role("button", name="DHL")).to_be_focused()
    page.keyboard.press("Enter")

    # The three that are alike, together.
    expect(opened(page, group[0].pk)).to_be_visible()
    page.keyboard.press("X")
    expect(page.get_by_role("button", name="Decide 3 selected")).to_be_visible()
    page.keyboard.press("A")
    expect(page.get_by_role("heading", name="Decide 3 requests together")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="3 requests approved")).to_be_visible()

    assert {ended(run).status for run in runs} == {"succeeded"}
    calls = [ToolCall.objects.get(pk=request.subject_id) for request in waiting]
    assert [call.status for call in calls] == ["succeeded", "succeeded", "rejected", "answered", *["succeeded"] * 3]
    assert calls[1].arguments["what"] == "the cobbler"
    assert "DHL" in calls[3].result_text
    count = desk.site.ledger.count()
    assert [count[call_id(call)] for call in calls] == [1, 1, 0, 0, 1, 1, 1]


def test_escape_leads_back_without_a_change(desk: Desk) -> None:
    request = ask(desk.team)
    page = desk.page("/approvals/")
    expect(opened(page, request.pk)).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_label("to", exact=True)).to_be_focused()
    page.keyboard.type("x")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(opened(page, request.pk)).to_have_attribute("data-status", "pending")
    request.refresh_from_db()
    assert request.arguments == {"to": "ada@example.com"}


def test_a_claim_shows_to_the_others_at_once(desk: Desk) -> None:
    request = ask(desk.team)
    mine = desk.page("/approvals/")
    theirs = desk.page("/approvals/", factories.person(desk.team))
    expect(opened(theirs, request.pk)).to_be_visible()
    mine.keyboard.press("c")
    expect(opened(theirs)).to_contain_text(f"{desk.person.username} is looking at this")
    expect(strip(theirs, request)).to_contain_text(f"{desk.person.username} is looking")
    mine.keyboard.press("c")
    expect(strip(theirs, request)).not_to_contain_text("is looking")


def test_words_half_written_survive_news_about_the_request(desk: Desk) -> None:
    request = ask(desk.team)
    page = desk.page("/approvals/")
    expect(opened(page, request.pk)).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.type("Because")
    other = desk.page("/approvals/", factories.person(desk.team))
    expect(opened(other, request.pk)).to_be_visible()
    other.keyboard.press("c")
    expect(opened(page)).to_contain_text("is looking at this")
    expect(opened(page).get_by_label("Reason, given to the agent")).to_have_value("Because")
    expect(opened(page).get_by_label("Reason, given to the agent")).to_be_focused()


def test_shift_selects_a_range_and_critical_ones_have_no_box(desk: Desk) -> None:
    requests = [ask(desk.team) for _ in range(5)]
    critical = ask(desk.team)
    ApprovalRequest.objects.filter(pk=critical.pk).update(tier="critical")
    page = desk.page("/approvals/")
    strip(page, requests[1]).get_by_role("checkbox").click()
    strip(page, requests[3]).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.get_by_role("button", name="Decide 3 selected")).to_be_visible()
    expect(strip(page, critical).get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("button", name="selected")).to_be_hidden()


def test_fourteen_rows_beside_a_whole_request(desk: Desk) -> None:
    for _ in range(20):
        ask(desk.team)
    page = desk.context(desk.person, viewport={"width": 1440, "height": 900}).new_page()
    page.goto("/approvals/")
    seen = page.locator(".strip").evaluate_all(
        "(rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert seen >= 14
    expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("heading", name="Send a mail")).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_buttons_are_in_reach_of_the_thumb(desk: Desk) -> None:
    request = ask(desk.team)
    page = desk.context(desk.person, viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(f"/approvals/{request.pk}")
    for button in (page.locator(".decide-approve"), page.locator(".decide-reject > summary")):
        expect(button).to_be_in_viewport(ratio=1)
        box = button.bounding_box()
        assert box and box["y"] > 844 / 2
