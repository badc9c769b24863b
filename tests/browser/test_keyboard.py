"""A person who never takes the hands off the keyboard decides what waits, and the runs go on accordingly."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from approvals.models import ApprovalRequest
from runs.models import ToolCall
from tests.acceptance.world import call_id, ended, turn, use

from .desk import Desk, opened, strip

pytestmark = pytest.mark.browser


def test_approve_and_reject(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    runs = [desk.start(turn(use("pay", what=what))) for what in ("the baker", "the tailor")]
    first, second = sorted(desk.waits(*runs), key=lambda request: request.created_at)
    page = desk.page("/approvals/")
    expect(opened(page, first.pk)).to_be_visible()

    page.keyboard.press("j")
    expect(opened(page, second.pk)).to_be_visible()
    expect(strip(page, second).get_by_role("link")).to_have_attribute("aria-current", "true")
    page.keyboard.press("k")
    expect(opened(page, first.pk)).to_be_visible()
    page.keyboard.press("o")
    expect(page.locator("#request")).to_be_focused()

    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text(f"Approved: {first.effect}")
    expect(opened(page, second.pk)).to_be_visible()  # the next one, unasked
    expect(strip(page, first)).to_have_count(0)

    page.keyboard.press("r")
    expect(opened(page).get_by_label("Reason, given to the agent")).to_be_focused()
    page.keyboard.type("Not this month, a and r are only letters here.")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text(f"Rejected: {second.effect}")
    expect(page.locator("#request")).to_contain_text("Nothing waits for you")

    assert {ended(run).status for run in runs} == {"succeeded"}
    paid, refused = (ToolCall.objects.get(pk=request.subject_id) for request in (first, second))
    assert (paid.status, refused.status) == ("succeeded", "rejected")
    assert "Not this month, a and r are only letters here." in refused.result_text
    count = desk.site.ledger.count()
    assert (count[call_id(paid)], count[call_id(refused)]) == (1, 0)
    assert {request.decided_by for request in ApprovalRequest.objects.filter(team=desk.team)} == {desk.person}


def test_escape_leaves_a_rejection_undone(desk: Desk) -> None:
    desk.set_tier("pay", "high")
    (request,) = desk.waits(desk.start(turn(use("pay", what="the baker"))))
    page = desk.page("/approvals/")
    expect(opened(page, request.pk)).to_be_visible()
    page.keyboard.press("r")
    reason = opened(page).get_by_label("Reason, given to the agent")
    expect(reason).to_be_focused()
    page.keyboard.press("Escape")
    expect(reason).to_be_hidden()
    expect(strip(page, request).get_by_role("link")).to_be_focused()
    request.refresh_from_db()
    assert request.status == "pending"


def test_critical_cannot_be_approved_but_its_outcome_can_be_reported(desk: Desk) -> None:
    desk.set_tier("pay", "critical")
    run = desk.start(turn(use("pay", what="the mayor")))
    (request,) = desk.waits(run)
    page = desk.page("/approvals/")
    expect(opened(page, request.pk)).to_have_attribute("data-tier", "critical")
    expect(opened(page).get_by_role("button", name="Approve")).to_have_count(0)
    way = opened(page).get_by_role("link", name="Open the run at step 1")
    expect(way).to_have_attribute("href", f"/runs/{run.pk}/#step-1")

    page.keyboard.press("a")
    expect(opened(page).get_by_label("report what came of it")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # without a word of what happened
    desk.expected.append("422")
    expect(opened(page).get_by_role("alert")).to_contain_text("Say what you did")
    request.refresh_from_db()
    assert request.status == "pending"

    page.keyboard.press("a")
    page.keyboard.type("Paid in cash.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Reported as done")
    assert ended(run).status == "succeeded"
    call = ToolCall.objects.get(pk=request.subject_id)
    assert call.status == "done_by_person"
    assert "Paid in cash." in call.result_text
    assert desk.site.ledger.count()[call_id(call)] == 0
