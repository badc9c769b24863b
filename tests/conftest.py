"""The servers of the test run, and a guard: a test that reaches for the network fails."""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
from contextlib import ExitStack
from typing import Any

import hypothesis
import pytest

from tests import services

pytest_plugins = ["tests.simulation"]

services.claim_environment()

from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

# A property is no race against the clock. Where changes are judged, the same examples are played each time.
hypothesis.settings.register_profile(
    "ours",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("ours")

# Read at the first failing or minimised example otherwise, amid a test: where the collector runs while a source is
# being parsed, CPython 3.11 may stop with "AST constructor recursion depth mismatch".
from hypothesis.internal.conjecture import optimiser, shrinker  # noqa: E402, F401

_session = ExitStack()


def _empty_what_is_filled(self: TransactionTestCase) -> None:
    """In place of Django's flush, which truncates every table and writes all permissions anew after each test."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables))
        if filled := cursor.fetchall():
            # References are looked at when all is gone; to truncate makes each table's and index's file anew.
            cursor.execute(";".join(f'DELETE FROM "{name}"' for (name,) in filled))
    ContentType.objects.clear_cache()


TransactionTestCase._fixture_teardown = _empty_what_is_filled  # type: ignore[method-assign]


def pytest_sessionstart(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        _session.enter_context(services.running())
    sys.addaudithook(_guard)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: no garbage collection need look through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    _session.close()


class NetworkReached(BaseException):
    """Not an Exception, so that no retry loop takes it for a bad connection."""


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _local(address[0]):
            raise NetworkReached(f"A test tried to connect to {address[0]}:{address[1]}.")
    elif event == "socket.getaddrinfo" and not _local(arguments[0]):
        raise NetworkReached(f"A test tried to look up {arguments[0]}.")


def _local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
