"""The real stack, started once for all acceptance tests; each test finds all of it up and leaves no run behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from runs.models import Run

from . import servers
from .stack import Stack
from .world import World


def pytest_unconfigure() -> None:
    servers.stop_all()


@pytest.fixture(scope="package")
def all_of_it(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    database = str(connection.settings_dict["NAME"])
    made = Stack(tmp_path_factory.mktemp("stack"), database)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def variables() -> dict[str, str]:
    """What a module's workers of runs have in their environment besides the rest."""
    return {}


@pytest.fixture
def stack(transactional_db: None, all_of_it: Stack, variables: dict[str, str]) -> Iterator[Stack]:
    with connection.cursor() as cursor:
        # The tests' server would forget the last commits when it is killed.
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    connection.close_pool()  # those that are open already would go on as before
    all_of_it.ensure(**variables)
    yield all_of_it
    # A failed test's runs must not go on in the next one.
    Run.objects.live().update(status="cancelled", waiting_on="", wake_at=None, ended_at=Now(), fence=F("fence") + 1)


@pytest.fixture
def world(stack: Stack) -> World:
    return World()
