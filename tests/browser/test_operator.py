"""The operator's whole task from sign-in to result: start, watch, say something, answer, raise a limit, go on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from runs.models import AgentVersion, Run
from tests.acceptance.world import turn, use
from tests.api import factories

from .desk import SLOW, TOOLS, Desk, head, script

pytestmark = pytest.mark.browser

QUESTION = {"question": "Which baker shall I pay?", "options": ["The one at the corner", "Neither"]}


def test_from_sign_in_to_the_result(desk: Desk) -> None:
    AgentVersion.objects.filter(agent=desk.agent).update(tools=[*TOOLS, "ask_human"])
    operator = factories.person(desk.team, "operator")
    operator.set_password("a long password")
    operator.save()
    page = desk.context().new_page()
    sign_in(page, operator.username)

    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="Start a run").click()
    page.get_by_role("radio").check()
    turns = [
        turn(use("look"), text="word " * 60, deltas=60, delay_ms=60),
        turn(use("ask_human", **QUESTION), text="I must know."),
        turn(use("look"), text="Thank you."),
        turn(use("look"), text="Nearly there."),
    ]
    page.get_by_label("Goal").fill(script(*turns))
    page.locator("summary", has_text="Tighter limits").click()
    page.get_by_label("Steps").fill("3")
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    run = Run.objects.get(pk=page.url.rstrip("/").rpartition("/")[2])

    expect(page.locator("#stream-1")).to_contain_text("word", timeout=SLOW)
    say(page, "Pay nobody twice.")
    tail = page.locator("#tail")
    expect(tail).to_contain_text("Pay nobody twice.")
    expect(tail).to_contain_text("not read yet")

    question = page.locator(".call", has_text=QUESTION["question"])
    expect(question).to_be_visible(timeout=SLOW)
    expect(page.locator("#step-2")).to_contain_text(f"{operator.username} said, and this step read it: ")
    expect(tail).not_to_contain_text("not read yet")
    page.get_by_role("link", name="Answer it").click()
    expect(question.get_by_role("button", name=QUESTION["options"][0])).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_contain_text(f"{operator.username} answered:", timeout=SLOW)

    expect(head(page)).to_have_attribute("data-status", "failed", timeout=SLOW)
    expect(head(page)).to_contain_text("It reached its limit of steps.")
    page.locator("summary", has_text="Raise it and go on").click()
    steps = page.get_by_role("textbox", name="Steps")
    expect(steps).to_have_value("6")
    page.get_by_role("button", name="Let it go on").click()
    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    expect(page.get_by_role("region", name="Answer")).to_contain_text("Done.")
    expect(page.locator("#timeline")).to_contain_text(f"{operator.username} let it go on with steps to 6")
    run.refresh_from_db()
    assert (run.steps, run.max_steps, run.unread) == (5, 6, 0)


def test_keys_pause_say_and_move(desk: Desk) -> None:
    turns = [
        turn(use("look", at=f"part {number}"), text=f"Turn {number} of many.", deltas=6, delay_ms=200)
        for number in range(8)
    ]
    run = desk.start(*turns)
    page = desk.page(f"/runs/{run.pk}/")
    expect(page.locator("#step-2")).to_be_visible(timeout=SLOW)
    page.keyboard.press("p")
    expect(head(page)).to_have_attribute("data-status", "paused", timeout=SLOW)
    page.keyboard.press("m")
    expect(page.get_by_label("Tell the agent something")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Tell the agent something")).to_be_hidden()
    page.locator("#step-1").focus()
    page.keyboard.press("j")
    expect(page.locator("#step-2")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("#step-1")).to_be_focused()
    page.keyboard.press("p")
    expect(head(page)).not_to_have_attribute("data-status", "paused", timeout=SLOW)


def test_a_limit_is_raised_while_it_runs(desk: Desk) -> None:
    run = desk.start({"text": "word " * 300, "deltas": 300, "delay_ms": 100})
    page = desk.page(f"/runs/{run.pk}/")
    expect(page.locator("#stream-1")).to_contain_text("word", timeout=SLOW)
    desk.expected += ["422"]
    page.locator("summary", has_text="Limits").click()
    steps = page.get_by_role("textbox", name="Steps")
    steps.fill("1")
    page.get_by_role("button", name="Raise", exact=True).click()
    expect(steps).to_have_attribute("aria-invalid", "true")
    steps.fill("9999")
    page.get_by_role("button", name="Raise", exact=True).click()
    expect(page.locator(".meters")).to_contain_text("/ 9999")
    expect(steps).to_be_hidden()
    expect(page.locator("#step-1")).to_contain_text(f"{desk.person.username} raised steps to 9999")
    expect(page.locator("#stream-1")).to_contain_text("word")


def sign_in(page: Page, name: str) -> None:
    page.goto("/runs/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Runs", exact=True)).to_be_visible()


def say(page: Page, words: str) -> None:
    page.locator("summary", has_text="Message").click()
    page.get_by_label("Tell the agent something").fill(words)
    page.get_by_role("button", name="Send").click()
