"""Signing in and out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .desk import Desk

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_only_the_right_password_opens_the_console_and_signing_out_closes_it(desk: Desk) -> None:
    desk.person.set_password(PASSWORD)
    desk.person.save()
    page = desk.context().new_page()
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in/"))

    sign_in(page, desk.person.username, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    expect(page).to_have_url(re.compile("/sign-in/"))

    sign_in(page, desk.person.username, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page).to_have_url(f"{desk.site.url}/")

    desk.expected += ["401"]  # what the page asked for at that moment
    page.locator("summary", has_text=desk.person.username).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto("/runs/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/runs/"))
