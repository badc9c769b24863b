"""The OpenAPI description: what Ninja knows of each operation, its token's scope, its problems, and examples."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from .auth import Token
from .examples import example
from .problems import Problem

PROBLEMS = {
    400: "The request is not JSON, is nested too deeply, or is malformed otherwise",
    401: "No sign-in and no token, or a token that is unknown, expired or revoked",
    403: "Your role, or the token's scopes, do not allow it",
    404: "Not there, or not for you to see",
    409: "Somebody or something was first; nothing was changed",
    413: "The body is too large",
    422: "A field is missing, unknown or out of range; `field` names it",
    429: "Too many requests with this token, or too many bad tokens from this address; `Retry-After` says when",
}
CONFLICT, TOO_LARGE, THROTTLED = 409, 413, 429


class Description(OpenAPISchema):
    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        super().__init__(api, path_prefix)
        for methods in self["paths"].values():
            for details in methods.values():
                _add_examples(details, self.schemas)

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        details: dict[str, Any] = super().operation_details(operation)
        scope = next((auth.scope for auth in operation.auth_callbacks if isinstance(auth, Token)), "")
        details["x-scope"] = scope
        for requirement in details["security"]:
            if "Token" in requirement:
                requirement["Token"] = [scope]
        left_out = set() if "requestBody" in details else {TOO_LARGE}
        left_out |= {CONFLICT} if operation.methods == ["GET"] else set()
        for status, meaning in PROBLEMS.items():
            if status not in left_out:
                details["responses"].setdefault(status, _problem(status, meaning))
        return details

    def get_components(self) -> dict[str, Any]:
        self.add_schema_definitions({"Problem": Problem.json_schema()})
        return super().get_components()

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Two schemas of one name would silently be one of them."""
        for name, schema in definitions.items():
            known = self.schemas.get(name, schema)
            if any(known.get(part) != schema.get(part) for part in ("title", "enum")) or (
                known.get("properties", {}).keys() != schema.get("properties", {}).keys()
            ):
                raise ValueError(f"There are two schemas named {name}. Rename one.")
        super().add_schema_definitions(definitions)


def _problem(status: int, meaning: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    told: dict[str, Any] = {"description": meaning, "content": {"application/problem+json": {"schema": schema}}}
    if status == THROTTLED:
        told["headers"] = {
            "Retry-After": {"description": "Seconds until there is room again.", "schema": {"type": "integer"}}
        }
    return told


def _add_examples(details: dict[str, Any], schemas: dict[str, Any]) -> None:
    """One for the body and one for each good answer; the problems all look alike."""
    good = [answer for status, answer in details["responses"].items() if int(status) < 400]
    for part in [details.get("requestBody", {}), *good]:
        for content in part.get("content", {}).values():
            content.setdefault("example", example(content["schema"], schemas))
