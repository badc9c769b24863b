"""A database that is stuck keeps nobody waiting for ever, and pages and REST say so without asking it anything."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from django.test import Client

from agentops.accounts.models import Role
from tests.api import factories
from tests.runs import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stuck() -> Iterator[None]:
    """Somebody else has locked the runs, and this process waits for a statement no longer than a moment."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as other:
        other.execute("LOCK TABLE runs_run IN ACCESS EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '200ms'")
        yield
        other.rollback()
    connection.close()
    connection.close_pool()  # its connections keep what was set on them


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make.person(make.team(), Role.ADMIN).user)
    return client


def test_a_page_says_that_the_database_does_not_answer(client: Client, stuck: None) -> None:
    answer = client.get("/runs/")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.content.decode()
    assert answer["Retry-After"]
    assert client.get("/settings/").status_code == 200, "what needs no run still works"


def test_rest_says_so_as_a_problem(client: Client, stuck: None) -> None:
    answer = client.get("/api/runs")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "Nothing was done" in answer.json()["detail"]


def test_another_error_is_still_an_error() -> None:
    client = Client(raise_request_exception=False)
    client.force_login(factories.person(make.team()))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_run RENAME COLUMN goal TO aim")
    try:
        answer = client.get("/runs/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE runs_run RENAME COLUMN aim TO goal")
    assert answer.status_code == 500
    assert "The error is in the log" in answer.content.decode()
