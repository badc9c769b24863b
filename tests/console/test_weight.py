"""How heavy each page is: our own style sheets and scripts, with all that they import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from tests.access.world import World, routes

MOST = 84_000
"""Bytes, not compressed. A library's are not counted; the promise is 100 kB."""
LINKED = re.compile(r'(?:href|src)="/static/((?:css|js)/[\w./-]+)"')
IMPORTED = re.compile(r'(?:from |import |@import url\()"\.?/?([\w./-]+)"')
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
RULES = re.compile(r"/\*.*?\*/|\{[^{}]*\}", re.DOTALL)
STATIC = Path(settings.BASE_DIR) / "static"


@pytest.fixture(scope="module")
def pages(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Every address of the site that answers with a whole page."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = World()
        client = world.clients["superuser"]
        answers = {
            route: client.get(world.address(route)) for route, _ in routes() if not route.startswith(("api/", "admin/"))
        }
        answers["api/docs"] = client.get("/api/docs")
        answers["sign-in/"] = world.clients["anonymous"].get("/sign-in/")
        answers["nowhere"] = client.get("/nowhere")
        transaction.set_rollback(True)
    texts = {route: answer.content.decode() for route, answer in answers.items() if not answer.streaming}
    yield {route: text for route, text in texts.items() if "<!doctype html>" in text}


def loaded(page: str) -> set[Path]:
    found: set[Path] = set()
    waiting = [STATIC / name for name in LINKED.findall(page)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [file.parent / name for name in IMPORTED.findall(file.read_text())]
    return found


def weight(page: str) -> int:
    return sum(file.stat().st_size for file in loaded(page))


@pytest.mark.django_db  # without one such test of its own, a run of this file alone would get no database
def test_no_page_is_heavy(pages: dict[str, str]) -> None:
    weights = {route: weight(page) for route, page in pages.items()}
    assert len(weights) > 20
    assert {route: bytes_ for route, bytes_ in weights.items() if bytes_ > MOST} == {}


def test_a_page_waits_for_no_sheet_that_another_sheet_imports(pages: dict[str, str]) -> None:
    sheets = {file for page in pages.values() for file in loaded(page) if file.suffix == ".css"}
    assert [file.name for file in sheets if "@import" in file.read_text()] == []


def test_a_page_has_a_sheet_for_each_class_that_any_sheet_knows(pages: dict[str, str]) -> None:
    known: dict[str, set[Path]] = {}
    for sheet in (STATIC / "css").iterdir():
        for name in CLASS.findall(RULES.sub("{", sheet.read_text())):
            known.setdefault(name, set()).add(sheet)
    bare = {
        f"{route}: {name}"
        for route, page in pages.items()
        for name in set(chain.from_iterable(map(str.split, re.findall(r'class="([^"]+)"', page))))
        if name in known and not known[name] & loaded(page)
    }
    assert bare == set()


def test_every_sheet_is_one_layer_and_nothing_outside_it() -> None:
    """What is outside wins over every page; an unpaired brace puts it there in silence."""
    for sheet in (STATIC / "css").iterdir():
        if sheet.name == "admin.css":
            continue
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL).strip()
        depths = list(accumulate({"{": 1, "}": -1}.get(char, 0) for char in text))
        start = text.index("{", text.rindex("@layer "))
        assert depths[-1] == 0 and 0 not in depths[start:-1], sheet.name


def test_every_sheet_and_module_is_used_by_some_page(pages: dict[str, str]) -> None:
    used = set(chain.from_iterable(loaded(page) for page in pages.values()))
    there = {*(STATIC / "css").iterdir(), *(STATIC / "js").iterdir()}
    assert {file.name for file in there - used} == {"admin.css"}
