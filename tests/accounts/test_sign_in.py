"""Signing in and out, and the pause after too many wrong passwords."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts import throttle
from agentops.accounts.models import SignInFailure

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def ada(settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user("ada", password=PASSWORD)


def sign_in(password: str = PASSWORD, name: str = "ada", address: str = "10.0.0.1", page: str = "login") -> Any:
    data = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse(page), data)


def test_the_right_password_leads_to_the_overview() -> None:
    answer = sign_in()
    assert answer.status_code == 302 and answer.url == reverse("overview")


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(target: str) -> None:
    data = {"username": "ada", "password": PASSWORD, "next": target}
    assert Client().post(reverse("login"), data).url == reverse("overview")


@pytest.mark.parametrize("page", ["login", "admin:login"])
def test_after_five_wrong_passwords_even_the_right_one_waits(page: str) -> None:
    for _ in range(throttle.FAILURES):
        assert "Too many" not in sign_in("wrong", page=page).content.decode()
    refused = sign_in(page=page)
    assert refused.status_code == 200 and "Too many attempts" in refused.content.decode()
    assert SignInFailure.objects.count() == throttle.FAILURES


def test_the_pause_ends_by_itself() -> None:
    for _ in range(throttle.FAILURES + 1):
        sign_in("wrong")
    SignInFailure.objects.update(at=timezone.now() - throttle.WINDOW - timedelta(seconds=1))
    assert sign_in().status_code == 302
    assert not SignInFailure.objects.exists()


def test_another_address_and_another_name_are_not_held_up() -> None:
    User.objects.create_user("bob", password=PASSWORD)
    for _ in range(throttle.FAILURES):
        sign_in("wrong")
    assert sign_in(address="10.0.0.2").status_code == 302
    assert sign_in(name="bob").status_code == 302


def test_spelling_a_name_otherwise_does_not_help() -> None:
    for _ in range(throttle.FAILURES):
        sign_in("wrong", name="ADA")
    assert "Too many" in sign_in().content.decode()


def test_an_empty_password_forgives_nothing() -> None:
    for _ in range(throttle.FAILURES):
        sign_in("wrong")
    sign_in("")
    assert "Too many" in sign_in().content.decode()


def test_an_unknown_name_is_answered_like_a_wrong_password() -> None:
    def errors(answer: Any) -> Any:
        return answer.context["form"].non_field_errors()

    assert errors(sign_in("wrong", name="nobody")) == errors(sign_in("wrong"))


def test_somebody_inactive_does_not_get_in(ada: User) -> None:
    ada.is_active = False
    ada.save()
    assert sign_in().status_code == 200


def test_signing_out_takes_a_post(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).url == reverse("login")
    assert "_auth_user_id" not in client.session


def test_signing_in_needs_no_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert sign_in().status_code == 302
