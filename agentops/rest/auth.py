"""Who asks: the holder of a bearer token, or a signed-in browser with its CSRF token."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from agentops.accounts import tokens
from agentops.accounts.access import SCOPES, Actor
from agentops.core.errors import NotAllowed

from . import throttle


class Request(HttpRequest):
    """What the middleware and the authentication make of a request."""

    actor: Actor


class Token(HttpBearer):
    """A header that is there decides alone: a bad token never falls back to the session."""

    openapi_description = "A token from `manage.py create_token` or from the admin pages."

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Actor | None:
        value = request.headers.get(self.header)
        if value is None:
            return None
        kind, _space, secret = value.partition(" ")
        if kind.lower() != self.openapi_scheme:
            raise tokens.TokenRefused(_("Send the token as “Authorization: Bearer <token>”."))
        return self.authenticate(request, secret.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        try:
            known = tokens.verify(token)
        except tokens.TokenRefused:
            throttle.count_refusal(request.META.get("REMOTE_ADDR", ""))
            raise
        throttle.count_request(known)
        if self.scope not in known.scopes:
            raise NotAllowed(
                _("This token lacks the scope %(scope)s. Create a token that has it.") % {"scope": self.scope}
            )
        request.actor = Actor(known.owner, known)  # type: ignore[attr-defined]
        return request.actor  # type: ignore[attr-defined,no-any-return]


class Session(APIKeyCookie):
    """Unlike ninja's own, asks for a sign-in first and for the CSRF token second."""

    openapi_description = "A signed-in browser; requests that change something carry `X-CSRFToken`."
    param_name = "sessionid"

    def __call__(self, request: HttpRequest) -> Actor | None:
        if not request.user.is_authenticated:
            return None
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor:
        if check_csrf(request):
            raise NotAllowed(
                _(
                    "The CSRF token is missing or wrong. Send the cookie csrftoken as the header X-CSRFToken, "
                    "or use an API token."
                )
            )
        return request.actor  # type: ignore[attr-defined,no-any-return]


def access(scope: str) -> Sequence[Token | Session]:
    """`auth=` of an endpoint or a router: a token needs this scope; a signed-in person needs none.

    Rights in a team are the action's business (`actor.require`), or `visible_to`'s when reading.
    """
    if scope not in SCOPES:
        raise ValueError(f"{scope} is no scope; take one of {', '.join(SCOPES)}.")
    return [Token(scope), Session()]
