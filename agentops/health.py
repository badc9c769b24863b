"""Whether this process lives, and whether it can serve: database, Redis, and a worker that beats."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("agentops.health")

TIMEOUT_SECONDS = 2


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: restart it when it does not."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part answers, else 503, with the state of each. Errors go to the log only."""
    parts = {name: _state(name, probe) for name, probe in PROBES.items()}
    ready = all(state == "ok" for state in parts.values())
    body = {"status": "ok" if ready else "unavailable", "parts": parts}
    response = JsonResponse(body, status=200 if ready else 503)
    response["Cache-Control"] = "no-store"
    return response


def _state(name: str, probe: Callable[[], str]) -> str:
    try:
        return probe()
    except (psycopg.Error, redis.RedisError, OSError) as error:
        log.warning("%s does not answer: %s", name, error)
        return "unreachable"


def _database() -> str:
    # A connection of its own: with the database gone, the pool would make the caller wait for half a minute.
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    parameters |= {
        "connect_timeout": TIMEOUT_SECONDS,
        "options": f"-c statement_timeout={TIMEOUT_SECONDS * 1000}",
    }
    with psycopg.connect(**parameters, autocommit=True) as probe:
        probe.execute("SELECT 1")
    return "ok"


def _redis() -> str:
    with _redis_client() as client:
        client.ping()
    return "ok"


def _worker() -> str:
    """Workers renew a key `worker:<name>` that lives 15 seconds."""
    with _redis_client() as client:
        return "ok" if next(client.scan_iter(match="worker:*", count=1000), None) else "none running"


def _redis_client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


PROBES: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis, "worker": _worker}
