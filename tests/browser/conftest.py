"""One running product and one browser for all tests of this folder; each test has a team and pages of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser, sync_playwright

from runs.models import ModelPrice

from .desk import MODEL, Desk
from .site import Site

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
"""Nothing is drawn in three dimensions: Chromium does not imitate a graphics card, at a fifth of its time."""
UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


@pytest.fixture(scope="package")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        said = "Chromium is not installed (apt-get install chromium): nothing was tested in a browser."
        if os.environ.get("AGENTOPS_REQUIRE_BROWSER") == "1":
            pytest.fail(said)
        pytest.skip(said)
    return found


@pytest.fixture(scope="package")
def transactional_db(chromium: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Emptied once, after the last test: the processes go on between two, and teams keep the tests apart."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)
        connection.close()


@pytest.fixture(scope="package")
def site(transactional_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), str(connection.settings_dict["NAME"]))
    price = {"input_usd": 1, "output_usd": 1, "cache_read_usd": 1, "cache_write_usd": 1}
    ModelPrice.objects.create(model=MODEL, **price)
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="package")
def browser(chromium: str, site: Site) -> Iterator[Browser]:
    # Playwright keeps a loop in this thread while it runs, in which Django refuses queries unless told.
    os.environ[UNSAFE] = "1"
    try:
        with sync_playwright() as play:
            opened = play.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            yield opened
            connection.close()  # that of the loop: Django keeps it apart from the thread's own
            opened.close()
    finally:
        del os.environ[UNSAFE]


@pytest.fixture
def lenient(site: Site) -> Iterator[str]:
    """The address of a web server that leaves people time for second thoughts."""
    with site.another_web("lenient", AGENTOPS_GRACE_SECONDS="12") as url:
        yield url


@pytest.fixture
def desk(site: Site, browser: Browser) -> Iterator[Desk]:
    """Fails the test when a page of it complained in the console and the test did not expect that."""
    site.ensure()
    made = Desk(site, browser)
    yield made
    made.close()
    assert made.complaints() == []
