"""Every field that any page reads, filled with what no form would send: refused or put up with, never our error."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.http import QueryDict

from tests.access.expected import PAGES, REST
from tests.access.world import World

HOSTILE = [
    "",
    " ",
    "0",
    "-1",
    "1e9",
    "nan",
    "-Infinity",
    "0E+999999",
    "1E-999999",
    "²",
    "٣",
    "9" * 19,
    "9" * 5_000,
    "a\x00b",
    "\ud800",
    "\u202e" + "moc.elgoog",
    "x" * 10_000,
    "👩\u200d👩\u200d👧" * 50,
    "'; --",
    "<script>alert(1)</script>",
    "{{ 7|add:7 }}%s%(x)s{0}",
    "[" * 3_000,
    '{"a": ' * 3_000,
    "null",
    "//evil.example/",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31T23:59:59-23:59",
    "00000000-0000-0000-0000-000000000000",
    "team:1:2",
    "user:x:y",
    "1.1.1.1:" * 40,
]
GARBLED = {"\ud800"}
"""Half a surrogate pair: it can be in a cookie of ours, but not in an address or a form, which are bytes."""
LEFT_OUT = {"POST sign-out/", "POST settings/password", "POST sign-in/", "GET readyz"}
"""They end the sign-in or count attempts, and have tests of their own; readiness is no, in a test, without workers."""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@contextmanager
def fields_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names that a page asks the query and the form for."""
    names: set[str] = set()

    def watched(method: str) -> None:
        real = getattr(QueryDict, method)

        def watch(self: QueryDict, key: Any, *more: Any) -> Any:
            names.add(str(key))
            return real(self, key, *more)

        monkeypatch.setattr(QueryDict, method, watch)

    with monkeypatch.context() as monkeypatch:
        for method in ("get", "getlist", "__getitem__", "__contains__"):
            watched(method)
        yield names


def send(world: World, line: str, data: dict[str, str]) -> int:
    """The status; all is rolled back. An exception is a status of 500, as for a browser."""
    method, _, route = line.partition(" ")
    client = world.clients["superuser"]
    client.raise_request_exception = False
    with transaction.atomic():
        answer = getattr(client, method.lower())(world.address(route), data, headers={"HX-Request": "true"})
        if hasattr(answer, "streaming_content"):
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return int(answer.status_code)


def filled(world: World, body: Any) -> dict[str, str]:
    return {name: str(value).format(**world.values) for name, value in (body or {}).items()}


@pytest.mark.django_db
@pytest.mark.parametrize("line", sorted(set(PAGES) - LEFT_OUT))
def test_no_value_of_any_field_is_an_error_of_ours(world: World, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = filled(world, PAGES[line].body)
    with fields_read(monkeypatch) as names:
        send(world, line, good)
        send(world, line, {**dict.fromkeys(sorted(names), "1"), **good})
    names -= {"csrfmiddlewaretoken"}
    values = [value for value in HOSTILE if value not in GARBLED]
    lot = random.Random(line)
    tries = [dict.fromkeys(names, value) for value in lot.sample(values, 1)]
    tries += [{**good, name: value} for name in sorted(names) for value in lot.sample(values, 1)]
    broken = [data for data in tries if send(world, line, data) >= 500]
    assert broken == []


FOUND = [
    ("GET runs/", {"cost": "1E-999999"}),
    ("GET runs/fresh", {"after": "9999-12-31T23:59:59-23:59"}),
    ("GET people/", {"team": "a\x00b"}),
    ("POST budgets/prices/deletion", {"model": "a\x00b"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("line", "data"), FOUND)
def test_what_once_was_an_error_is_none(world: World, line: str, data: dict[str, str]) -> None:
    assert send(world, line, data) < 500


PARTS = ["a%00b", "%ED%A0%80", "9" * 30, "%E2%80%AEabc", "..%2f..%2fetc", "-1"]
"""Of an address, in the place of a name or a number."""


@pytest.mark.django_db
@pytest.mark.parametrize("line", sorted(line for line in {*PAGES, *REST} - LEFT_OUT if "<" in line))
def test_no_part_of_any_address_is_an_error_of_ours(world: World, line: str) -> None:
    method, _, route = line.partition(" ")
    client = world.clients["superuser"]
    client.raise_request_exception = False
    for number, part in ((number, part) for number in range(route.count("<")) for part in PARTS):
        pieces = re.split(r"(<[^>]+>)", route)
        pieces[2 * number + 1] = part
        with transaction.atomic():
            answer = client.generic(method, world.address("".join(pieces)), "{}", "application/json")
            transaction.set_rollback(True)
        assert answer.status_code < 500, pieces
