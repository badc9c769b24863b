"""One's own settings: profile, time zone, password, and where one is signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from agentops.accounts import browsers, sessions, tokens
from agentops.accounts.models import ApiToken, Role, SignIn
from tests.api import factories

pytestmark = pytest.mark.django_db

PASSWORD, OTHER = "correct horse battery", "another horse entirely"


@pytest.fixture(autouse=True)
def ada(settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = User.objects.create_user("ada", password=PASSWORD)
    user.memberships.create(team=factories.team(), role=Role.VIEWER)  # type: ignore[attr-defined]
    return user


def signed_in(**headers: str) -> Client:
    client = Client(headers=headers)
    assert client.post(reverse("login"), {"username": "ada", "password": PASSWORD}).status_code == 302
    return client


def change(client: Client, old: str = PASSWORD, new: str = OTHER) -> Any:
    return client.post(reverse("settings-password"), {"old_password": old, "new_password1": new, "new_password2": new})


def opens(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_sign_in_is_listed_with_its_browser_and_address() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    page = signed_in(User_Agent=firefox).get(reverse("settings")).content.decode()
    assert "Firefox on Linux" in page and "this browser" in page and "127.0.0.1" in page


def test_one_other_or_all_others_are_signed_out() -> None:
    here, second, third = signed_in(), signed_in(), signed_in()
    row = SignIn.objects.get(session_key=second.cookies["sessionid"].value)
    here.post(reverse("sign-in-end", args=[row.pk]))
    assert opens(here) and not opens(second) and opens(third)
    here.post(reverse("sign-ins-end"))
    assert opens(here) and not opens(third)


def test_nobody_ends_the_sign_in_of_another() -> None:
    row = SignIn.objects.get(session_key=signed_in().cookies["sessionid"].value)
    stranger = factories.signed_in(factories.person(is_superuser=True))
    assert stranger.post(reverse("sign-in-end", args=[row.pk])).status_code == 404


def test_changing_the_password_signs_every_other_browser_out(ada: User) -> None:
    here, there = signed_in(), signed_in()
    assert change(here).status_code == 302
    assert opens(here) and not opens(there)
    ada.refresh_from_db()
    assert ada.check_password(OTHER)
    assert [row.session_key for row in sessions.alive(ada)] == [here.cookies["sessionid"].value]


@pytest.mark.parametrize(("old", "new"), [("wrong", OTHER), (PASSWORD, "short"), (PASSWORD, "password1234")])
def test_a_password_that_does_not_do_is_refused(ada: User, old: str, new: str) -> None:
    assert change(signed_in(), old, new).status_code == 422
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_the_old_password_cannot_be_guessed_here_either(ada: User) -> None:
    client = signed_in()
    for _ in range(5):
        change(client, "wrong")
    assert "Too many attempts" in change(client).content.decode()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_signing_out_forgets_the_sign_in() -> None:
    client = signed_in()
    client.post(reverse("logout"))
    assert not SignIn.objects.exists()


def test_times_are_written_in_the_chosen_zone(ada: User) -> None:
    client = signed_in()
    form = {"name": "Ada", "email": "", "time_zone": "Asia/Tokyo"}
    assert client.post(reverse("settings-profile"), form).status_code == 302
    page = client.get(reverse("settings")).content.decode()
    assert 'data-time-zone="Asia/Tokyo"' in page and "JST" in page
    assert "data-time-zone" not in Client().get(reverse("login")).content.decode()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "UTC\0"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    form = {"name": "Ada", "email": "", "time_zone": zone}
    assert signed_in().post(reverse("settings-profile"), form).status_code == 422


@pytest.mark.parametrize(
    ("forwarded", "proxied", "seen"),
    [
        ("10.9.9.9", False, "127.0.0.1"),
        ("6.6.6.6, 203.0.113.7", True, "203.0.113.7"),
        ("6.6.6.6, nonsense", True, "127.0.0.1"),
        ("", True, "127.0.0.1"),
        ("2001:db8::1", True, "2001:db8::1"),
    ],
)
def test_only_the_proxys_own_word_is_believed(settings: Any, forwarded: str, proxied: bool, seen: str) -> None:
    settings.AGENTOPS_BEHIND_PROXY = proxied
    signed_in(X_Forwarded_For=forwarded)
    assert SignIn.objects.get().address == seen


def test_a_token_is_made_shown_once_and_revoked(ada: User) -> None:
    client = signed_in()
    form = {"name": "nightly", "scopes": ["runs:read"], "days": "30"}
    answer = client.post(reverse("tokens"), form)
    secret = answer.context["secret"]
    assert answer.status_code == 201 and secret in answer.content.decode() and "no-store" in answer["Cache-Control"]
    assert secret not in client.get(reverse("tokens")).content.decode()
    token = tokens.verify(secret)
    client.post(reverse("token-revoke", args=[token.pk]))
    with pytest.raises(tokens.TokenRefused):
        tokens.verify(secret)


@pytest.mark.parametrize("days", ["0", "731", "x", "", "9" * 5000, "-1"])
def test_a_token_of_no_sensible_life_is_not_made(days: str) -> None:
    assert signed_in().post(reverse("tokens"), {"name": "n", "scopes": ["admin"], "days": days}).status_code == 422
    assert not ApiToken.objects.exists()


def test_an_admin_revokes_the_teams_tokens_but_no_superusers(ada: User) -> None:
    admin = factories.signed_in(factories.person(ada.memberships.get().team))  # type: ignore[attr-defined]
    hers, _ = tokens.create_token(ada, "hers", ["runs:read"])
    root = factories.person(ada.memberships.get().team, is_superuser=True)  # type: ignore[attr-defined]
    roots, _ = tokens.create_token(root, "roots", ["admin"])
    assert admin.post(reverse("token-revoke", args=[hers.pk])).status_code == 302
    assert admin.post(reverse("token-revoke", args=[roots.pk])).status_code == 404
    assert list(ApiToken.objects.filter(revoked_at=None)) == [roots]


def test_the_installation_tells_no_secret(settings: Any) -> None:
    known = "https://user:hunter2@models.example:8443/v1"
    settings.ENV = replace(settings.ENV, anthropic_api_key="sk-hunter3", anthropic_base_url=known)
    page = factories.signed_in(factories.person(is_superuser=True)).get(reverse("installation")).content.decode()
    assert "models.example:8443" in page
    for secret in ("hunter", settings.SECRET_KEY, settings.DATABASES["default"]["PASSWORD"] or "hunter"):
        assert secret not in page


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537 Chrome/140 Mobile Safari/537", "Chrome on Android"),
        ("", "A browser that does not say which"),
    ],
)
def test_browsers_are_named_in_words(agent: str, words: str) -> None:
    assert browsers.in_words(agent) == words
