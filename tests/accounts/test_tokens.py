"""API tokens: shown once, kept as a hash, noted when used."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agentops.accounts import tokens
from agentops.accounts.models import ApiToken
from agentops.core.errors import InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return User.objects.create(username="ada")


def test_only_the_hash_is_kept(owner: User) -> None:
    token, secret = tokens.create_token(owner, "ci", ["runs:read"])
    assert secret.startswith("ao_") and len(secret) == 46
    assert token.hash == hashlib.sha256(secret.encode()).hexdigest()
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in map(str, row.values()) and secret.startswith(row["hint"]) and len(row["hint"]) == 8


def test_every_token_is_another(owner: User) -> None:
    assert len({tokens.create_token(owner, "ci", ["runs:read"])[1] for _ in range(20)}) == 20


def test_its_holder_is_known_by_it(owner: User) -> None:
    token, secret = tokens.create_token(owner, "ci", ["runs:read"])
    assert tokens.verify(secret) == token
    with pytest.raises(tokens.TokenRefused, match="not known"):
        tokens.verify(secret[:-1] + ("A" if secret[-1] != "A" else "B"))


def test_use_is_noted_once_a_minute(owner: User) -> None:
    token, secret = tokens.create_token(owner, "ci", ["runs:read"])
    tokens.verify(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as seen:
        tokens.verify(secret)
    assert len(seen) == 1
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    tokens.verify(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None and token.last_used_at >= first


def test_a_revoked_token_stays_revoked_since_the_first_time(owner: User) -> None:
    token, secret = tokens.create_token(owner, "ci", ["runs:read"])
    tokens.revoke(token)
    token.refresh_from_db()
    when = token.revoked_at
    tokens.revoke(token)
    token.refresh_from_db()
    assert token.revoked_at == when
    with pytest.raises(tokens.TokenRefused, match="revoked"):
        tokens.verify(secret)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("ci", ["runs:delete"], 1, "scopes"),
        ("ci", [], 1, "scopes"),
        ("ci", ["runs:read"], 0, "days"),
        ("ci", ["runs:read"], -1, "days"),
        ("ci", ["runs:read"], 731, "days"),
        (" ", ["runs:read"], 1, "name"),
        ("x" * 81, ["runs:read"], 1, "name"),
    ],
)
def test_what_a_token_cannot_be(owner: User, name: str, scopes: list[str], days: int, field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        tokens.create_token(owner, name, scopes, days)
    assert raised.value.field == field
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("scopes", [["runs:read,runs:write"], ["runs:read", "runs:write"], ["runs:read runs:write"]])
def test_the_command_prints_the_secret_alone(owner: User, scopes: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("create_token", "ada", "--scopes", *scopes, "--days", "7", stdout=out, stderr=err)
    token = tokens.verify(out.getvalue().strip())
    assert token.scopes == ["runs:read", "runs:write"] and token.owner == owner
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert "ao_" not in err.getvalue()


@pytest.mark.parametrize(("user", "scope", "said"), [("bob", "runs:read", "no user bob"), ("ada", "all", "runs:write")])
def test_the_command_says_what_is_wrong(owner: User, user: str, scope: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("create_token", user, "--scopes", scope)
    assert not ApiToken.objects.exists()
