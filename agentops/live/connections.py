"""Connections to Redis that fail fast and never reconnect in silence: who loses one must catch up."""

from __future__ import annotations

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 0.2
"""Seconds for each of: a free connection, connecting, an answer. Together they stay near half a second."""


def for_threads() -> redis.Redis:
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=8,
        timeout=PATIENCE,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0, supported_errors=()),
    )
    return redis.Redis(connection_pool=pool)


def for_loop(patience: float = 0.5) -> redis.asyncio.Redis:
    """Belongs to the running event loop. `patience`: seconds for connecting, and for an answer."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        decode_responses=True,
        retry=AsyncRetry(NoBackoff(), 0, supported_errors=()),
    )
