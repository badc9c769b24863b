"""A real browser finds nothing to object to in the admin and the other script-free pages under the strict policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.api import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def session() -> str:
    """A superuser's session, with a team, an agent and a run to look at. Before Playwright's loop starts."""
    team = factories.team()
    agent = factories.agent(team)
    factories.call(factories.step(factories.run(agent)))
    user = factories.person(team, is_superuser=True, is_staff=True)
    return str(factories.signed_in(user).cookies["sessionid"].value)


@pytest.fixture
def page(session: str, live_server: Any) -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        yield context.new_page()
        browser.close()


def test_no_page_breaks_the_policy(page: Page) -> None:
    complaints: list[str] = []
    # This server speaks no sockets; the page says so and goes on.
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text) if said.type in {"error", "warning"} and "WebSocket" not in said.text else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in [
        "/admin/",
        "/admin/runs/agent/",
        "/admin/auth/user/add/",
        "/admin/runs/run/",
        "/api/docs",
    ]:
        answer = page.goto(address)
        assert answer and answer.status == 200, address
        page.wait_for_load_state("networkidle")
    page.goto("/admin/runs/agent/")
    page.click("th.field-title a, th.field-__str__ a")
    page.wait_for_load_state("networkidle")
    assert complaints == []


def test_the_admin_wears_the_consoles_colours(page: Page) -> None:
    page.goto("/admin/")
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    assert page.evaluate(read, "--body-bg") == page.evaluate(read, "--surface") != ""


def test_a_policy_is_there_to_be_broken(page: Page) -> None:
    """Guards the test above: an inline script must be stopped, and the browser must say so."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.goto("/admin/")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s) }"
    )
    assert page.evaluate("() => window.ran") is None
    assert any("Content Security Policy" in text for text in complaints)
