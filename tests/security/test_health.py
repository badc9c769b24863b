"""Whether the console lives and can serve is known without a sign-in, and betrays nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(settings: Any) -> Any:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set("worker:test", "1", ex=60)
        yield
        client.delete("worker:test")


def test_it_lives(client: Any) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_when_every_part_answers(client: Any, worker: Any) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {"database": "ok", "redis": "ok", "worker": "ok"}}


def test_without_a_worker_it_is_not_ready(client: Any) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "redis": "ok", "worker": "none running"}


def test_without_redis_it_says_so(client: Any, settings: Any) -> None:
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "redis": "unreachable", "worker": "unreachable"}
    assert "secret" not in answer.content.decode()


def test_without_the_database_it_says_so(client: Any, worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "unreachable", "redis": "ok", "worker": "ok"}


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_it_is_only_read(client: Any, address: str) -> None:
    assert client.post(address).status_code == 405
