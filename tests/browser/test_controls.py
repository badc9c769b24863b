"""The buttons of a run's page: pause, resume, cancel, and what became of an action in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from runs.models import Run, ToolCall
from tests.acceptance.stack import eventually
from tests.acceptance.world import call_id, ended, turn, use
from tests.api import factories

from .desk import SLOW, Desk, head

pytestmark = pytest.mark.browser


CUT = """() => [...document.querySelectorAll(".run-controls .button")].filter((one) => one.checkVisibility())
  .filter((one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > innerWidth)
  .map((one) => one.textContent.trim())"""


def look(number: int) -> dict[str, Any]:
    return turn(use("look", at=f"part {number}"), text=f"Turn {number} of many.", deltas=6, delay_ms=60)


def test_pause_stops_after_the_step_and_resume_goes_on(desk: Desk) -> None:
    run = desk.start(*(look(number) for number in range(1, 9)))
    page = desk.page(f"/runs/{run.pk}/")
    expect(page.locator("#step-2")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Pause").click()
    expect(head(page)).to_have_attribute("data-status", "paused", timeout=SLOW)
    expect(page.locator("#tail")).to_contain_text("Paused")
    run.refresh_from_db()
    assert run.status == "paused" and run.steps < 9
    page.get_by_role("button", name="Resume").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(page.locator("#timeline .step")).to_have_count(9)


def test_cancel_asks_once_and_cuts_the_model_off(desk: Desk) -> None:
    run = desk.start({"text": "word " * 600, "deltas": 600, "delay_ms": 100})
    page = desk.page(f"/runs/{run.pk}/")
    expect(page.locator("#stream-1")).to_contain_text("word", timeout=SLOW)
    page.locator("summary", has_text="Cancel").click()
    assert not Run.objects.get(pk=run.pk).is_final
    page.get_by_placeholder("Reason").fill("Wrong agent.")
    page.get_by_role("button", name="Cancel the run").click()
    expect(head(page)).to_have_attribute("data-status", "cancelled")
    expect(head(page)).to_contain_text("Wrong agent.")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    expect(page.locator("#step-1")).to_have_attribute("data-status", "abandoned", timeout=SLOW)


@pytest.mark.parametrize(("again", "times"), [(False, 1), (True, 2)])
def test_a_person_says_what_became_of_an_action_in_doubt(desk: Desk, again: bool, times: int) -> None:
    run = desk.start(turn(use("pay", what="the baker", after=3)))
    call = eventually(lambda: ToolCall.objects.filter(run=run, status="executing").first(), "it pays")
    name = call_id(call)
    eventually(lambda: desk.site.ledger.count()[name] == 1, "the baker has the money")
    pid = int(Run.objects.get(pk=run.pk).worker.rpartition(":")[2])
    (worker,) = desk.site.named({pid})
    desk.site.kill(worker)
    page = desk.page(f"/runs/{run.pk}/")
    expect(head(page)).to_contain_text("word on what happened", timeout=SLOW)
    doubt = page.locator(".call", has_text="Nobody knows whether this happened.")
    doubt.get_by_label("What you found").fill("I asked the baker.")
    if again:
        doubt.locator("summary", has_text="do it now").click()
        assert ToolCall.objects.get(pk=call.pk).status == "in_doubt"
    doubt.get_by_role("button", name="Do it now" if again else "It happened", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("the agent is told")
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(page.locator(".call")).to_contain_text(f"{desk.person.username} said what happened")
    call.refresh_from_db()
    assert call.status == "succeeded"
    assert ended(run).status == "succeeded"
    assert desk.site.ledger.count()[name] == times


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("taken", ["", "ada"])
def test_all_buttons_of_a_run_are_whole_on_a_phone(desk: Desk, taken: str, width: int) -> None:
    run = factories.run(desk.agent, status="paused", taken_over_by=taken)
    factories.call(factories.step(run), tool="write_file", arguments={"path": "a"}, result={"ok": True, "data": {}})
    page = desk.page(f"/runs/{run.pk}/", viewport={"width": width, "height": 800})
    expect(page.locator(".run-controls").get_by_text("Cancel", exact=True)).to_be_visible()
    assert page.evaluate(CUT) == []
    page.locator("summary", has_text="Message").click()
    box, bar = page.locator("#message .confirm-box").bounding_box(), page.locator(".run-controls").bounding_box()
    assert box and bar and box["y"] >= 0 and box["y"] + box["height"] <= bar["y"], "the words stand above the buttons"
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
