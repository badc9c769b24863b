"""From an admin's page to a person's first sign-in, and to the end of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from agentops.accounts.models import Role
from tests.api import factories

from .desk import Desk
from .test_sign_in import sign_in

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


def test_a_person_is_added_signs_in_and_is_signed_out_from_afar(desk: Desk) -> None:
    foreign = factories.agent(factories.team())
    name = f"new-{desk.person.pk}"
    admin = desk.page("/people/new")
    admin.get_by_label("Sign-in name").fill(name)
    admin.get_by_role("button", name="Add, and make a password link").click()
    link = admin.locator("#secret").inner_text()

    theirs = desk.context().new_page()
    theirs.goto(link)
    theirs.get_by_label("New password", exact=True).fill(PASSWORD)
    theirs.get_by_label("New password confirmation").fill(PASSWORD)
    theirs.get_by_role("button", name="Set the password").click()
    expect(theirs.get_by_text("Your password is set")).to_be_visible()
    sign_in(theirs, name, PASSWORD)
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Overview")
    theirs.goto("/agents/")
    expect(theirs.locator("main")).to_contain_text(desk.agent.name)
    expect(theirs.locator("main")).not_to_contain_text(foreign.name)
    expect(theirs.locator("[data-live]").first).to_have_attribute("data-state", "live")

    desk.expected += ["401"]  # what their page asked for at that moment
    admin.get_by_role("link", name=f"Open {name}").click()
    admin.get_by_role("button", name="Sign out everywhere").click()
    expect(admin.get_by_text("Signed out everywhere.")).to_be_visible()
    expect(theirs.locator("#lost")).to_contain_text("You were signed out")
    theirs.reload()
    expect(theirs).to_have_url(re.compile("/sign-in/"))


def test_a_removal_is_confirmed_and_undone(desk: Desk) -> None:
    member = factories.person(desk.team, Role.VIEWER)
    page = desk.page(f"/people/{member.pk}/")
    page.get_by_role("button", name="Remove from the team").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text(f"{member.username} is out of {desk.team.name}")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("checkbox", name="Viewer")).to_be_checked()
