"""A run that is started from its page grows there while the model still writes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .desk import SLOW, Desk, head, script

pytestmark = pytest.mark.browser

WORDS = " ".join(f"word-{number}" for number in range(60))


def test_a_started_run_streams_and_ends_with_its_answer_on_top(desk: Desk) -> None:
    page = desk.page("/runs/")
    page.get_by_role("link", name="Start a run").click()
    page.get_by_role("radio").check()
    page.get_by_label("Goal").fill(script({"text": WORDS, "deltas": 60, "delay_ms": 60}))
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))

    stream = page.locator("#stream-1")  # only there until the step is answered
    expect(stream).to_contain_text("word-2", timeout=SLOW)
    before = len(stream.inner_text())
    page.wait_for_function("n => document.querySelector('#stream-1')?.textContent.length > n", arg=before)
    expect(page.locator("#step-1")).to_have_attribute("data-status", "calling")
    assert "word-59" not in stream.inner_text()

    expect(head(page)).to_have_attribute("data-status", "succeeded", timeout=SLOW)
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text(WORDS)
    expect(page.locator("#step-1")).to_contain_text(WORDS)
    place, step = answer.bounding_box(), page.locator("#step-1").bounding_box()
    assert place and step and place["y"] < step["y"]


def test_who_opens_the_page_in_mid_answer_reads_it_from_its_beginning(desk: Desk) -> None:
    words = " ".join(f"word-{number}" for number in range(200))
    run = desk.start({"text": words, "deltas": 200, "delay_ms": 60})
    first = desk.page(f"/runs/{run.pk}/")
    expect(first.locator("#stream-1")).to_contain_text("word-20 ", timeout=SLOW)
    late = desk.page(f"/runs/{run.pk}/")
    stream = late.locator("#stream-1")
    expect(stream).to_contain_text("word-0 word-1 word-2 ")
    first.reload()
    expect(first.locator("#stream-1")).to_contain_text("word-0 word-1 ")
    shown = stream.inner_text()
    assert words.startswith(shown.rstrip()), "a piece is missing or comes twice"
    expect(head(late)).to_have_attribute("data-status", "succeeded", timeout=SLOW)


def test_the_overview_shows_the_words_of_a_running_agent(desk: Desk) -> None:
    page = desk.page("/")
    run = desk.start({"text": WORDS, "deltas": 60, "delay_ms": 60})
    said = page.locator(f'[data-run="{run.pk}"] [data-said]')
    expect(said).to_contain_text(re.compile(r"word-\d"), timeout=SLOW)
    before = said.text_content()
    expect(said).not_to_have_text(before or "")
    expect(page.locator(f'[data-run="{run.pk}"]')).to_have_count(0, timeout=SLOW)
