"""The OpenAPI description is valid and whole, and its page needs no script."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from agentops.api import api

from . import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema() -> Any:
    return api.get_openapi_schema()


def operations(schema: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, told) for path, methods in schema["paths"].items() for method, told in methods.items()]


def test_every_operation_tells_its_scope_and_its_problems(schema: Any) -> None:
    assert len(operations(schema)) >= 16
    for path, method, told in operations(schema):
        assert told["x-scope"] and told["summary"], (path, method)
        for status in {401, 403, 404, 422} | ({409} if method != "get" else set()):
            content = told["responses"][status]["content"]
            assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"


def test_every_reference_leads_somewhere(schema: Any) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [ref for value in part.values() for ref in references(value)]
        return [ref for value in part for ref in references(value)] if isinstance(part, list) else []

    found = set(references(schema))
    assert found
    for reference in found:
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in schema["components"]["schemas"]


def test_operation_ids_are_unique(schema: Any) -> None:
    ids = [told["operationId"] for _, _, told in operations(schema)]
    assert len(ids) == len(set(ids))


def test_money_is_described_as_text(schema: Any) -> None:
    assert schema["components"]["schemas"]["RunOut"]["properties"]["cost_usd"]["type"] == "string"


def test_a_token_may_read_the_description() -> None:
    answer = factories.caller(factories.person(factories.team()), "runs:read").get("/api/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"].startswith("3.")


def test_the_page_names_every_operation_and_runs_no_script_of_its_own(schema: Any) -> None:
    page = factories.signed_in(factories.person(factories.team())).get(reverse("api-docs"))
    text = page.content.decode()
    assert page.status_code == 200
    for path, _, _ in operations(schema):
        assert path in text
    assert "style=" not in text and "onclick" not in text


def test_the_page_asks_for_a_sign_in(client: Any) -> None:
    answer = client.get(reverse("api-docs"))
    assert answer.status_code == 302 and answer.url.startswith(reverse("login"))
