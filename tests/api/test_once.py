"""What creates takes an idempotency key: a repeat makes nothing, another request under the key is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agentops.accounts.models import ApiToken, IdempotencyKey, Role
from approvals.models import Inquiry
from runs.models import Agent, AgentVersion, Budget, RunMessage

from . import factories
from .problems import assert_problem
from .world import VERSION, World

pytestmark = pytest.mark.django_db

CREATING: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("/api/runs/{run}/messages", {"text": "Hurry."}, {"text": "Wait."}, RunMessage),
    ("/api/approvals/{request}/questions", {"question": "Why?"}, {"question": "How?"}, Inquiry),
    ("/api/agents", {"team": "{team}", "name": "new", "title": "New", "version": VERSION},
     {"team": "{team}", "name": "newer", "title": "New", "version": VERSION}, Agent),
    ("/api/agents/{agent}/versions", {"system_prompt": "More."}, {"system_prompt": "Less."}, AgentVersion),
    ("/api/budgets", {"team": "{team}", "period": "month", "limit_usd": "5.00"},
     {"team": "{team}", "period": "month", "limit_usd": "6.00"}, Budget),
    ("/api/tokens", {"name": "report", "scopes": ["runs:read"], "days": 1},
     {"name": "other", "scopes": ["runs:read"], "days": 1}, ApiToken),
]  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def post(world: World) -> Callable[..., Any]:
    client = factories.caller(factories.person(world.team))

    def post(address: str, body: dict[str, Any], key: str = "k-1", by: Any = None) -> Any:
        return world.ask(by or client, "post", address, body, headers={"Idempotency-Key": key} if key else {})

    return post


@pytest.mark.parametrize(("address", "body", "another", "kind"), CREATING, ids=[each[0] for each in CREATING])
def test_a_repeat_makes_nothing_and_gets_what_was_made(
    post: Any, address: str, body: dict[str, Any], another: dict[str, Any], kind: Any
) -> None:
    first = post(address, body)
    assert first.status_code == 201, first.content
    made = kind.objects.count()
    second = post(address, body)
    assert second.status_code == 200 and kind.objects.count() == made
    once_only = {"secret", "step", "last_used_at"}
    assert {k: v for k, v in first.json().items() if k not in once_only} == {
        k: v for k, v in second.json().items() if k not in once_only
    }
    assert_problem(post(address, another), 409)
    assert kind.objects.count() == made


def test_a_key_of_one_address_opens_no_other(post: Any) -> None:
    assert post("/api/runs/{run}/messages", {"text": "Hurry."}).status_code == 201
    assert_problem(post("/api/approvals/{request}/questions", {"question": "Why?"}), 409)


def test_one_persons_key_is_not_anothers(world: World, post: Any) -> None:
    other = factories.caller(factories.person(world.team, Role.OPERATOR))
    assert post("/api/runs/{run}/messages", {"text": "Hurry."}).status_code == 201
    assert post("/api/runs/{run}/messages", {"text": "Hurry."}, by=other).status_code == 201


def test_a_refused_request_leaves_its_key_free(post: Any) -> None:
    assert_problem(post("/api/runs/{run}/messages", {"text": " "}), 422, "text")
    assert not IdempotencyKey.objects.exists()
    assert post("/api/runs/{run}/messages", {"text": "Hurry."}).status_code == 201


def test_a_key_is_forgotten_after_a_week(post: Any) -> None:
    assert post("/api/runs/{run}/messages", {"text": "Hurry."}).status_code == 201
    IdempotencyKey.objects.update(at=timezone.now() - timedelta(days=8))
    assert post("/api/runs/{run}/messages", {"text": "Wait."}).status_code == 201


def test_what_was_made_and_is_gone_is_not_made_again(post: Any) -> None:
    body = {"team": "{team}", "period": "month", "limit_usd": "5.00"}
    assert post("/api/budgets", body).status_code == 201
    Budget.objects.filter(period="month").delete()
    assert_problem(post("/api/budgets", body), 409)


def test_a_tokens_secret_is_told_once(post: Any) -> None:
    body = {"name": "report", "scopes": ["runs:read"], "days": 1}
    first, second = post("/api/tokens", body).json(), post("/api/tokens", body).json()
    assert first["secret"].startswith("ao_") and second["secret"] is None
    assert first["secret"] not in str(IdempotencyKey.objects.values().get())


def test_without_a_key_each_request_makes_its_own(post: Any) -> None:
    assert {post("/api/runs/{run}/messages", {"text": "Hurry."}, key="").status_code for _ in range(2)} == {201}
    assert RunMessage.objects.count() == 2
