"""Every address of the site, asked by everybody: nobody gets in, or changes anything, beyond the table's word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import URLPattern

from agentops.accounts.access import SCOPES
from agentops.api import api

from .expected import PAGES, REST, WHO, Line
from .world import World, routes

PAGE_METHODS = ("GET", "POST")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once: every question is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def rest_scopes() -> dict[str, str]:
    """What the description of the API says a token needs, by method and address."""
    addresses = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route): route for route, _ in routes() if route.startswith("api/")
    }
    described = {
        f"{method.upper()} {addresses[path.strip('/')]}": operation["x-scope"]
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }
    return described | {"GET api/openapi.json": "runs:read"}


@pytest.mark.django_db  # without one such test of its own, a run of this file alone would get no database
def test_no_page_is_missing_from_the_table_and_none_is_there_in_vain() -> None:
    known = {line.partition(" ")[2] for line in PAGES}
    there = {route for route, _ in routes() if not route.startswith(("api/", "admin/"))} | {"api/docs"}
    assert there - known == set(), "new pages: add a line to tests/access/expected.py for each"
    assert known - there == set(), "the table speaks of pages that are gone"


def test_no_endpoint_is_missing_from_the_table_and_none_is_there_in_vain() -> None:
    assert set(rest_scopes()) - set(REST) == set(), "new endpoints: add a line to tests/access/expected.py for each"
    assert set(REST) - set(rest_scopes()) == set(), "the table speaks of endpoints that are gone"
    described = {route for route, _ in routes() if route.startswith("api/")} - {"api/docs", "api/"}
    assert {line.partition(" ")[2] for line in REST} == described


def filled(body: Any, world: World) -> Any:
    if isinstance(body, dict):
        return {name: filled(value, world) for name, value in body.items()}
    return body.format(**world.values) if isinstance(body, str) else body


def fits(said: str, wanted: str) -> bool:
    """Who may do it may also be told that a field is wrong: this is not about fields."""
    return said == wanted or (said, wanted) == ("422", "in")


def surprises(world: World, name: str, line: Line) -> list[str]:
    """Who is answered otherwise than the table says, and what was changed for somebody who was refused."""
    method, _, route = name.partition(" ")
    found = []
    for who, client in world.clients.items():
        said, writes = world.ask(client, method, route, filled(line.body, world))
        if not fits(said, line.rule[who]):
            found.append(f"{who}: {said} instead of {line.rule[who]}")
        if said not in {"in", "422"} and writes and route != "sign-out/":
            found.append(f"{who}: {said}, and yet {writes[0]}")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_to_those_of_the_table_alone(world: World, name: str) -> None:
    assert not (found := surprises(world, name, PAGES[name])), "; ".join(found)


@pytest.mark.parametrize("name", REST)
def test_an_endpoint_opens_to_those_of_the_table_alone(world: World, name: str) -> None:
    assert not (found := surprises(world, name, REST[name])), "; ".join(found)


@pytest.mark.parametrize("name", REST)
def test_a_token_needs_the_described_scope_and_no_other(world: World, name: str) -> None:
    method, _, route = name.partition(" ")
    scope = rest_scopes()[name]
    assert scope in SCOPES
    body = filled(REST[name].body, world)
    opened = REST[name].rule["admin"]
    assert fits(world.ask(world.tokens[scope], method, route, body)[0], opened)
    said, writes = world.ask(world.tokens_without[scope], method, route, body)
    assert (said, writes) == ("no", [])


def test_pages_take_no_method_that_the_table_does_not_know(world: World) -> None:
    pages = {line.partition(" ")[2] for line in PAGES} - {"healthz", "readyz"}
    others = [(method, page) for page in pages for method in PAGE_METHODS if f"{method} {page}" not in PAGES]
    for method, page in others:
        request = getattr(world.clients["superuser"], method.lower())
        assert request(world.address(page)).status_code == 405, f"{method} {page}"


def test_djangos_admin_sends_everybody_else_to_the_sign_in(world: World) -> None:
    pages = [each for each in _patterns(admin.site.urls[0]) if each not in {"login/", "logout/", "jsi18n/"}]
    assert len(pages) > 40
    for page in pages:
        address = "/admin/" + re.sub(r"<[^>]+>", "1", page).replace("(?P.*)$", "nothing")
        for who in WHO:
            if who not in {"admin", "stranger", "superuser"}:
                answer = world.clients[who].get(address)
                assert answer.status_code == 302 and "next=/admin/" in answer["Location"], (who, address)


def _patterns(patterns: Any, before: str = "") -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLPattern):
            yield before + str(each.pattern)
        else:
            yield from _patterns(each.url_patterns, before + str(each.pattern))
