"""Whatever is sent, what comes back is as described: its status, content type and schema; never a 5xx.

Half of the addresses that are made up are replaced by those of rows that exist, so that more than 404 is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agentops.accounts.access import SCOPES
from agentops.accounts.models import Role
from agentops.accounts.tokens import create_token
from agentops.api import api

from . import factories
from .world import World

pytestmark = pytest.mark.django_db

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 20261121,
        "generation": {
            "max-examples": 6,
            "deterministic": True,
            "database": "none",
            "no-shrink": True,
            "with-security-parameters": False,
        },
        "phases": {"coverage": {"enabled": False}},
    }
)
description = schemathesis.openapi.from_dict(deepcopy(api.get_openapi_schema()), config=CONFIG)
description.app = get_wsgi_application()


@pytest.fixture
def world(settings: Any) -> Iterator[World]:
    settings.AGENTOPS_API_REQUESTS_A_MINUTE = 10**9
    signals = [request_started, request_finished]
    for signal in signals:  # as Django's own test client does: the test's transaction goes on
        signal.disconnect(close_old_connections)
    yield World()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture(params=["superuser", "viewer who may only read"])
def headers(request: pytest.FixtureRequest, world: World) -> dict[str, str]:
    if request.param == "superuser":
        _, secret = create_token(factories.person(is_superuser=True), "test", SCOPES)
    else:
        _, secret = create_token(factories.person(world.team, Role.VIEWER), "test", ["runs:read", "approvals:decide"])
    return {"Authorization": f"Bearer {secret}"}


@description.parametrize()
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_answers_are_as_described(case: schemathesis.Case, world: World, headers: dict[str, str]) -> None:
    if sum(map(ord, str(case.path_parameters))) % 2:
        case.path_parameters |= {name: value for name, value in world.parts.items() if name in case.path_parameters}
    if case.query.get("wait"):
        case.query["wait"] = 0
    response = case.call(headers=headers)
    case.validate_response(response, checks=CHECKS)
