"""Errors as application/problem+json (RFC 9457): what happened, what to do, and which field is at fault."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as RowInvalid
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.responses import Response

from agentops.accounts.tokens import TokenRefused
from agentops.core.errors import Conflict, InvalidInput, NotAllowed

from .body import MalformedBody
from .throttle import Throttled

log = logging.getLogger("agentops.rest")

SIGN_IN = gettext_lazy(
    "Send “Authorization: Bearer <token>” (manage.py create_token makes one), or sign in with the browser."
)
NOT_FOUND = gettext_lazy("There is nothing here that you may see. Check the id and the address.")


class Problem(Schema):
    """What went wrong. A 409 of a decision also says `decided_by`, `decided_at` and `decision`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None


def problem(status: int, detail: str, field: str = "", **more: Any) -> HttpResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": str(detail)}
    if field:
        body["field"] = field
    response = Response({**more, **body}, status=status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


DATABASE_OUT = gettext_lazy("The database is down, or too slow just now. Nothing was done; try again in a few seconds.")

Teller = Callable[[Any], HttpResponse]

TOLD_AS: dict[type[Exception], Teller] = {
    InvalidInput: lambda error: problem(422, str(error), error.field),
    NotAllowed: lambda error: problem(403, str(error)),
    # A conflict's own attributes say who was first, when and with what.
    Conflict: lambda error: problem(409, str(error), **vars(error)),
    Throttled: lambda error: _throttled(error),
    TokenRefused: lambda error: problem(401, f"{error} {SIGN_IN}"),
    AuthenticationError: lambda error: problem(401, f"{_('Nobody is signed in.')} {SIGN_IN}"),
    OperationalError: lambda error: problem(503, DATABASE_OUT),
    InterfaceError: lambda error: problem(503, DATABASE_OUT),
    ObjectDoesNotExist: lambda error: problem(404, NOT_FOUND),
    Http404: lambda error: problem(404, NOT_FOUND),
    RequestDataTooBig: lambda error: problem(413, _("The body is too large; 2 MB is the most.")),
    SuspiciousOperation: lambda error: problem(400, _("The request is malformed.")),
    MalformedBody: lambda error: problem(400, str(error)),
    ValidationError: lambda error: _invalid(error),
    RowInvalid: lambda error: _of_row(error),
    HttpError: lambda error: _of_ninja(error),
}


def tell_as_problems(api: NinjaAPI) -> None:
    """Every exception of an endpoint becomes a problem; an unexpected one is logged and says no more."""
    for kind, teller in TOLD_AS.items():
        api.add_exception_handler(kind, lambda request, error, teller=teller: teller(error))
    api.add_exception_handler(Exception, _unexpected)


def _throttled(error: Throttled) -> HttpResponse:
    response = problem(429, str(error))
    response["Retry-After"] = str(error.retry_after)
    return response


def _of_ninja(error: HttpError) -> HttpResponse:
    """Ninja wraps whatever its parser raises in a bare 400; the parser's own word is better."""
    cause = error.__cause__
    if isinstance(cause, InvalidInput | MalformedBody):
        return TOLD_AS[type(cause)](cause)
    return problem(error.status_code, str(error))


def _invalid(error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    # (source, the endpoint's parameter, path inside the body ...); a query's or header's name is the field.
    source, *path = first["loc"]
    if source == "body" and len(path) > 1:
        path = path[1:]
    field = "body" if source == "body" and not path else ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        return problem(
            422, _("There is no field %(field)s here. Remove it, or check its spelling.") % {"field": field}, field
        )
    if first["type"] == "missing":
        return problem(422, _("%(field)s is missing.") % {"field": field}, field)
    return problem(422, f"{field}: {first['msg']}.", field)


def _of_row(error: RowInvalid) -> HttpResponse:
    """What a model's own validation refuses."""
    if not hasattr(error, "error_dict"):
        return problem(422, " ".join(error.messages))
    field, messages = next(iter(error.message_dict.items()))
    return problem(422, " ".join(messages), "" if field == NON_FIELD_ERRORS else field)


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("unexpected error at %s %s", request.method, request.path, exc_info=error)
    return problem(500, _("Something went wrong on our side; it is in the log. Trying again later may help."))


class ProblemResponses(MiddlewareMixin):
    """Under /api/, an error of Django itself (no such address, wrong method) is a problem too."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        told = response.get("Content-Type", "").startswith("application/problem+json")
        if response.status_code < 400 or told or not request.path_info.startswith("/api/"):
            return response
        details = {
            404: NOT_FOUND,
            503: DATABASE_OUT,
            405: _("%(method)s is not possible here; %(allowed)s is.")
            % {"method": request.method, "allowed": response.get("Allow", _("nothing else"))},
        }
        status = response.status_code
        made = problem(
            status,
            details.get(status, _("%(status)s: the request was refused.") % {"status": HTTPStatus(status).phrase}),
        )
        if "Allow" in response:
            made["Allow"] = response["Allow"]
        return made
