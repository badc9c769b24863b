"""Every answer, whatever its kind, carries the headers that keep a browser safe."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentops.security import POLICY
from tests.api import factories

pytestmark = pytest.mark.django_db

ADDRESSES = [
    ("/sign-in/", 200),
    ("/", 302),
    ("/admin/", 302),
    ("/nothing-here", 404),
    ("/api/runs", 401),
    ("/api/nothing", 404),
    ("/api/docs", 302),
    ("/healthz", 200),
    ("/static/css/tokens.css", 200),
    ("/static/admin/css/base.css", 200),
]


@pytest.mark.parametrize(("address", "status"), ADDRESSES)
def test_every_kind_of_answer_has_the_policy(address: str, status: int) -> None:
    answer = Client().get(address)
    assert answer.status_code == status
    assert_safe(answer)


@pytest.mark.parametrize("address", ["/", "/admin/", "/api/docs", "/api/runs"])
def test_pages_behind_the_sign_in_have_it_too(address: str) -> None:
    answer = factories.signed_in(factories.person(factories.team())).get(address)
    assert answer.status_code == 200
    assert_safe(answer)


def test_a_failed_csrf_check_has_it_too() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("login"), {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert_safe(answer)


def test_an_unknown_host_has_it_too() -> None:
    answer = Client(headers={"Host": "elsewhere.example"}).get("/sign-in/")
    assert answer.status_code == 400
    assert_safe(answer)


def test_the_redirect_to_https_has_it_too(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/sign-in/")
    assert answer.status_code == 301
    assert_safe(answer)


def test_probes_are_not_sent_to_https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200


def assert_safe(answer: Any) -> None:
    assert answer["Content-Security-Policy"] == POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in POLICY and "http" not in POLICY and "*" not in POLICY
    assert POLICY.startswith("default-src 'none'")


def test_an_unexpected_error_tells_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.api.problems import assert_problem

    team = factories.team()
    agent = factories.agent(team)
    # A row that the description of an answer does not allow: the nearest thing to a bug that a test can plant.
    agent.versions.update(tools={"not": "a list"})
    client = factories.caller(factories.person(team))
    client.raise_request_exception = False
    body = assert_problem(client.get(f"/api/agents/{agent.name}"), 500)
    assert "tools" not in body["detail"] and "Error" not in body["detail"]
