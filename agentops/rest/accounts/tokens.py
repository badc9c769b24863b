"""REST of tokens: your own, and as an admin those of your team's people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Router, Schema
from ninja.responses import Status
from pydantic import Field

from agentops.accounts.access import SCOPES
from agentops.accounts.actions import revoke_token, tokens_seen
from agentops.accounts.actions.making_tokens import make_token
from agentops.accounts.models import ApiToken
from agentops.accounts.tokens import MAX_DAYS
from agentops.rest import Body, Cursor, IdempotencyKey, Limit, Page, Request, access, once, page

router = Router(tags=["Tokens"], auth=access("admin"))

Scope = Literal["runs:read", "runs:write", "approvals:read", "approvals:ask", "approvals:decide", "admin"]
if set(Scope.__args__) != set(SCOPES):  # type: ignore[attr-defined]
    raise RuntimeError("The description of tokens does not name the scopes that there are.")


class TokenOut(Schema):
    id: int
    name: str = Field(examples=["nightly report"])
    hint: str = Field(description="The first characters of its secret.", examples=["ao_Xy12z"])
    owner: str = Field(examples=["ada"])
    scopes: list[str] = Field(examples=[["runs:read"]])
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @staticmethod
    def resolve_owner(token: ApiToken) -> str:
        return str(token.owner.get_username())


class NewTokenOut(TokenOut):
    secret: str | None = Field(description="Shown this once; null when a repeat asks again.", examples=["ao_…"])

    @staticmethod
    def resolve_secret(token: ApiToken) -> str | None:
        return getattr(token, "secret", None)


class NewToken(Body):
    name: str = Field(min_length=1, max_length=80, description="What uses it.", examples=["nightly report"])
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES), examples=[["runs:read"]])
    days: Annotated[int, Field(ge=1, le=MAX_DAYS, strict=True)] = Field(90, examples=[30])


@router.get("", response=Page[TokenOut], summary="List tokens, newest first")
def list_tokens(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(tokens_seen(request.actor).select_related("owner"), cursor, limit)


@router.post("", response={201: NewTokenOut, 200: NewTokenOut}, summary="Make a token for yourself")
def create_token(request: Request, body: NewToken, idempotency_key: IdempotencyKey = "") -> Status[ApiToken]:
    """The secret is in this answer only. Asked through a token, the new one reaches no further and lives no longer."""

    def make() -> ApiToken:
        token, secret = make_token(request.actor, name=body.name, scopes=body.scopes, days=body.days)
        token.secret = secret  # type: ignore[attr-defined]
        return token

    rows = ApiToken.objects.filter(owner=request.actor.user).select_related("owner")  # type: ignore[misc]
    token, new = once(request, idempotency_key, body, make, rows)
    return Status(201 if new else 200, token)


@router.delete("/{int:token_id}", response={204: None}, summary="Revoke a token")
def delete_token(request: Request, token_id: int) -> None:
    """It opens nothing from now on."""
    revoke_token(request.actor, token_id)
