"""The OpenAPI description is valid and whole, and its page needs no script."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
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
    assert len(operations(schema)) >= 60
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


def test_every_body_and_answer_has_an_example_that_fits(schema: Any) -> None:
    plain = json.loads(json.dumps(schema))
    for path, method, told in operations(plain):
        good = [answer for status, answer in told["responses"].items() if int(status) < 300 and status != "204"]
        for part in [*good, *([told["requestBody"]] if "requestBody" in told else [])]:
            content = part["content"]["application/json"]
            jsonschema.validate(content["example"], {**content["schema"], "components": plain["components"]})
            assert content["example"], (path, method)


def test_whatever_creates_takes_an_idempotency_key_and_every_list_a_cursor(schema: Any) -> None:
    for path, method, told in operations(schema):
        names = {parameter["name"] for parameter in told["parameters"]}
        assert ("Idempotency-Key" in names) == (201 in told["responses"]), (path, method)
        if told["summary"].startswith("List "):
            assert {"cursor", "limit"} <= names, path


def test_two_schemas_of_one_name_are_refused() -> None:
    described = api.get_openapi_schema()
    with pytest.raises(ValueError, match="two schemas named Problem"):
        described.add_schema_definitions({"Problem": {"title": "Problem", "properties": {"other": {}}}})
