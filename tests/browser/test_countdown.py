"""A medium request approves itself when its countdown ends and not before, and the pages show it."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from runs.models import ToolCall
from tests.acceptance.world import call_id, ended, turn, use

from .desk import SLOW, Desk, head, opened, strip

pytestmark = pytest.mark.browser


def test_medium_approves_itself_when_its_countdown_ends_and_not_before(desk: Desk) -> None:
    desk.set_tier("publish", "medium", seconds=5)
    run = desk.start(turn(use("publish", what="the news")))
    (request,) = desk.waits(run)
    deadline = request.decide_at
    assert deadline is not None
    queue = desk.page("/approvals/")
    expect(opened(queue, request.pk)).to_have_attribute("data-status", "pending")
    expect(opened(queue)).to_contain_text("then it approves itself")
    expect(strip(queue, request).locator(".countdown b")).to_have_text(re.compile("0:0[23]"))
    request.refresh_from_db()
    assert request.status == "pending" and timezone.now() < deadline
    assert ToolCall.objects.get(pk=request.subject_id).status == "held"

    expect(opened(queue, request.pk)).to_have_attribute("data-status", "approved", timeout=SLOW)
    assert timezone.now() >= deadline
    expect(opened(queue)).to_contain_text("by the countdown")
    expect(strip(queue, request)).to_have_count(0)
    request.refresh_from_db()
    assert request.decided_via == "timer" and request.decided_at and request.decided_at >= deadline
    assert ended(run).status == "succeeded"
    assert desk.site.ledger.count()[call_id(ToolCall.objects.get(pk=request.subject_id))] == 1


def test_a_held_countdown_does_not_fire(desk: Desk) -> None:
    desk.set_tier("publish", "medium", seconds=4)
    run = desk.start(turn(use("publish", what="the news")))
    (request,) = desk.waits(run)
    other = desk.start(turn(use("publish", what="the weather")))
    (later,) = desk.waits(other)
    page = desk.page(f"/approvals/{request.pk}")
    page.keyboard.press("h")
    expect(page.locator("#toasts")).to_contain_text("Countdown held")
    expect(opened(page, request.pk)).to_contain_text("it waits for a person")
    assert ended(other).status == "succeeded"  # its countdown began after the held one's and has ended
    later.refresh_from_db()
    request.refresh_from_db()
    assert (later.status, request.status, request.decide_at) == ("approved", "pending", None)
    inline = desk.page(f"/runs/{run.pk}/")
    inline.get_by_role("button", name="Approve").click()
    expect(head(inline)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
