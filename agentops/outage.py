"""What people see when the database does not answer, or not in time: what is wrong, and that nothing was done."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.defaults import server_error

RETRY_SECONDS = "5"


def unexpected(request: HttpRequest) -> HttpResponse:
    """Django's handler500: it asks for no person, no session and no row, since these may be what does not answer."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    response = HttpResponse(loader.get_template("503.html").render(), status=503)
    response["Retry-After"] = RETRY_SECONDS
    return response
