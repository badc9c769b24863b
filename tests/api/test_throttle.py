"""A token that asks too much and an address that guesses are slowed down; nobody is, when Redis cannot count."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.test import Client

from agentops.rest import throttle

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db


def test_a_token_that_asks_too_much_is_told_when_to_come_back(settings: Any) -> None:
    settings.AGENTOPS_API_REQUESTS_A_MINUTE = 2
    owner = factories.person(factories.team())
    client = factories.caller(owner)
    answers = [client.get("/api/runs") for _ in range(5)]  # a minute may end in between, not two
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200 and refused
    assert_problem(refused[0], 429)
    assert 1 <= int(refused[0]["Retry-After"]) <= throttle.WINDOW
    assert factories.caller(owner).get("/api/runs").status_code == 200, "another token has its own count"


def test_bad_tokens_from_one_address_are_answered_429_and_a_good_one_is_heard(settings: Any) -> None:
    settings.AGENTOPS_API_REFUSALS_A_MINUTE = 2
    guesser = Client(REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer ao_guess"})
    answers = [guesser.get("/api/runs") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert answers[-1].has_header("Retry-After") or answers[-2].has_header("Retry-After")
    good = factories.caller(factories.person(factories.team()))
    assert good.get("/api/runs", REMOTE_ADDR="192.0.2.7").status_code == 200
    other = Client(REMOTE_ADDR="192.0.2.8", headers={"Authorization": "Bearer ao_guess"})
    assert other.get("/api/runs").status_code == 401, "another address has its own count"


def test_a_signed_in_person_is_not_counted(settings: Any) -> None:
    settings.AGENTOPS_API_REQUESTS_A_MINUTE = 1
    client = factories.signed_in(factories.person(factories.team()))
    assert {client.get("/api/runs").status_code for _ in range(4)} == {200}


def test_with_redis_gone_nobody_is_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AGENTOPS_API_REQUESTS_A_MINUTE = 1
    nowhere = redis.Redis(unix_socket_path="/nowhere/redis.sock")
    monkeypatch.setattr(throttle, "_client", lambda: nowhere)
    monkeypatch.setattr(throttle, "_rest_until", 0.0)
    client = factories.caller(factories.person(factories.team()))
    assert {client.get("/api/runs").status_code for _ in range(4)} == {200}
