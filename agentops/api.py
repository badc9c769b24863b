"""REST at /api/: which part answers where, and its OpenAPI description."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from agentops.rest import access
from agentops.rest.auth import Token
from agentops.rest.body import StrictParser
from agentops.rest.problems import Problem, tell_as_problems
from approvals.api import router as approvals
from runs.api import router as runs
from runs.catalogue_api import agents, tools

DESCRIPTION = """Start agents, watch them, decide what they may do.

Every list takes `cursor` and `limit` and answers `items` and `next_cursor`. Every error is
`application/problem+json` with `title`, `status`, `detail`, and `field` where one is at fault. Money is
USD as a decimal number in a string. Times are UTC. What you may not see answers like what does not exist."""

PROBLEMS = {
    400: "The body is not JSON, or nested too deeply",
    401: "No sign-in and no token, or a token that is unknown, expired or revoked",
    403: "Your role, or the token's scopes, do not allow it",
    404: "Not there, or not for you to see",
    409: "Somebody or something was first; nothing was changed",
    413: "The body is too large",
    422: "A field is missing, unknown or out of range; `field` names it",
}


class Description(OpenAPISchema):
    """Adds to each operation the scope that a token needs and the problems it may answer with."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        details: dict[str, Any] = super().operation_details(operation)
        scope = next((auth.scope for auth in operation.auth_callbacks if isinstance(auth, Token)), "")
        details["x-scope"] = scope
        for requirement in details["security"]:
            if "Token" in requirement:
                requirement["Token"] = [scope]
        changes = operation.methods != ["GET"]
        has_body = "requestBody" in details
        left_out = set() if has_body else {400, 413}
        left_out |= set() if changes else {409}
        for status, meaning in PROBLEMS.items():
            if status not in left_out:
                details["responses"].setdefault(status, self._problem(meaning))
        return details

    def get_components(self) -> dict[str, Any]:
        self.add_schema_definitions({"Problem": Problem.json_schema()})
        return super().get_components()

    @staticmethod
    def _problem(meaning: str) -> dict[str, Any]:
        schema = {"$ref": "#/components/schemas/Problem"}
        return {"description": meaning, "content": {"application/problem+json": {"schema": schema}}}


class RestAPI(NinjaAPI):
    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app, namespace = super().urls
        for pattern in patterns:
            # An endpoint answers 401 itself; a redirect to the sign-in page is no answer to a program.
            pattern.callback.login_required = False  # type: ignore[union-attr]
        return patterns, app, namespace

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return Description(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


api = RestAPI(
    title="AgentOps",
    version="1",
    description=DESCRIPTION,
    parser=StrictParser(),
    # Ninja's own pages load scripts from elsewhere; `agentops.api_docs` has one that needs none.
    openapi_url=None,
    docs_url=None,
)
tell_as_problems(api)
api.add_router("/runs", runs)
api.add_router("/approvals", approvals)
api.add_router("/agents", agents)
api.add_router("/tools", tools)


@api.get("/openapi.json", auth=access("runs:read"), include_in_schema=False)
def openapi(request: HttpRequest) -> dict[str, Any]:
    return api.get_openapi_schema()
