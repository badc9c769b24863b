"""The demo's pages are served beside the model, without a key, and only they."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from agentops.simulator import site
from agentops.tools.html import read_page


def test_pages_are_served_as_html(simulator_url: str) -> None:
    with urllib.request.urlopen(f"{simulator_url}/pages/") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"Parcel Notes" in answer.read()


@pytest.mark.parametrize("path", ["nothing", "../server", "..%2Fserver.py", "index.html/x"])
def test_nothing_else_is(simulator_url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{simulator_url}/pages/{path}")


def test_every_link_leads_to_a_page() -> None:
    base = "http://site/pages/"
    page = read_page((site.page("/pages/") or b"").decode(), base)
    links = [part.partition(")")[0] for part in page.text.split("(http://site")[1:]]
    assert len(links) == 5
    assert all(site.page(link) for link in links)


def test_one_page_is_hostile_in_the_open_and_in_hiding() -> None:
    page = read_page((site.page("/pages/supplier-offers") or b"").decode())
    assert "NOTICE TO AI ASSISTANTS" in page.text
    assert "SYSTEM" not in page.text
    assert len(page.hidden) == 3
