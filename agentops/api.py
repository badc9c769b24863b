"""REST at /api/: which part answers where, and its OpenAPI description."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from agentops.rest import access
from agentops.rest.accounts import teams, tokens
from agentops.rest.body import StrictParser
from agentops.rest.description import Description
from agentops.rest.problems import tell_as_problems
from approvals.api import approvals, policies
from runs.api import agents, budgets, models, runs, tools, triggers, workers

DESCRIPTION = """Start agents, watch them, decide what they may do.

Every list takes `cursor` and `limit` and answers `items` and `next_cursor`; a page may be short and still
have a next one. Every error is
`application/problem+json` with `title`, `status`, `detail`, and `field` where one is at fault. Money is
USD as a decimal number in a string. Times are UTC. What you may not see answers like what does not exist.

Whatever creates something takes an `Idempotency-Key`: send the same request with the same key again after a broken
connection, and it is done once. A token that asks too much, and an address that sends too many bad tokens, get 429
with `Retry-After` in seconds."""


class RestAPI(NinjaAPI):
    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app, namespace = super().urls
        for pattern in patterns:
            # An endpoint answers 401 itself; a redirect to the sign-in page is no answer to a program.
            pattern.callback.login_required = False  # type: ignore[union-attr]
        return patterns, app, namespace

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """A client's function has the name of ours."""
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return _described(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


@cache
def _described(of: NinjaAPI, path_prefix: str) -> OpenAPISchema:
    """Once a process: putting it together takes half a second."""
    return Description(of, path_prefix)


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
api.add_router("/policies", policies)
api.add_router("/budgets", budgets)
api.add_router("/models", models)
api.add_router("/triggers", triggers)
api.add_router("/workers", workers)
api.add_router("/teams", teams)
api.add_router("/tokens", tokens)


@api.get("/openapi.json", auth=access("runs:read"), include_in_schema=False)
def openapi(request: HttpRequest) -> dict[str, Any]:
    return api.get_openapi_schema()
