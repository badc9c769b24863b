"""Addresses and forms that no page made are refused, or read as the start; none is an error of ours."""

from __future__ import annotations

import base64
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from tests.api import factories as make

pytestmark = pytest.mark.django_db


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


MADE_UP = [
    _cursor("0001-01-01T00:00:00+23:59|1"),
    _cursor("9999-12-31T23:59:59-23:59|1"),
    _cursor("2026-01-01T00:00:00+00:00|99999999999999999999"),
    '["2026-01-01T00:00:00+00:00","x"]:x',
]


@pytest.fixture
def client() -> Client:
    return make.signed_in(make.person(make.team()))


@pytest.mark.parametrize("name", ["runs", "outbox", "approvals-history"])
@pytest.mark.parametrize("cursor", MADE_UP)
def test_a_cursor_that_no_page_gave_out_shows_the_start(client: Client, name: str, cursor: str) -> None:
    assert client.get(reverse(name), {"cursor": cursor}).status_code == 200


def test_a_filter_with_a_character_that_cannot_be_stored_finds_nothing(client: Client) -> None:
    assert client.get(reverse("runs"), {"agent": "a\x00b"}).status_code == 200


@pytest.mark.parametrize("revision", ["", "-1", "²", "1e9", "\x00"])
def test_a_broken_decision_on_a_request_that_is_not_there_is_not_found(client: Client, revision: str) -> None:
    address = reverse("approval-decision", args=[uuid.uuid4()])
    assert client.post(address, {"decision": "approve", "revision": revision}).status_code == 404
