"""Approvals over REST: what programs see, decide, and are told when they may not or came second."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from agentops.accounts import tokens
from agentops.accounts.models import Role
from agentops.core.tools import Tier
from approvals.actions import decide
from approvals.models import ApprovalRequest

from . import factories as make

pytestmark = pytest.mark.django_db


class Program:
    """Calls the API with a token."""

    def __init__(self, actor: Any, *scopes: str) -> None:
        self.client = Client()
        _, self.secret = tokens.create_token(actor.user, "test", list(scopes), 1)

    def get(self, path: str = "", **query: Any) -> Any:
        return self.client.get(f"/api/approvals{path}", query, headers=self.headers)

    def decide(self, request: ApprovalRequest, **body: Any) -> Any:
        path = f"/api/approvals/{request.pk}/decision"
        return self.client.post(path, json.dumps(body), "application/json", headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.send("post", path, body)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        address = f"/api/approvals{path}"
        return self.client.generic(
            method.upper(), address, json.dumps(body or {}), "application/json", headers=self.headers
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@pytest.fixture
def ours():
    return make.team()


@pytest.fixture
def program(ours) -> Program:
    return Program(make.person(Role.APPROVER, of=ours, name="ada"), "approvals:read", "approvals:decide")


def test_a_request_shows_what_would_happen_and_why(subject: make.Subject, ours, program) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    body = program.get(f"/{asked.pk}").json()
    assert body["id"] == str(asked.pk)
    shown = {name: body[name] for name in ("revision", "status", "tier", "tool", "arguments", "effect", "reason")}
    assert shown == {
        "revision": 1, "status": "pending", "tier": "medium", "tool": "send",
        "arguments": {"to": "ada@example.com"}, "effect": "Send a mail to ada@example.com",
        "reason": "send is medium by its own setting",
    }  # fmt: skip
    assert (body["rule"], body["policy_version"], body["on_deadline"]) == ("", None, "approve")
    assert body["deadline"] is not None
    assert body["subject"] == {"kind": make.KIND, "id": asked.subject_id}
    assert body["history"] == []


def test_the_list_is_by_team_by_status_and_in_pages(
    subject: make.Subject, ours, program, django_assert_max_num_queries
) -> None:
    asked = [make.request(ours) for _ in range(5)]
    make.request(make.team())
    program.decide(asked[0], decision="reject", revision=1)
    with django_assert_max_num_queries(6):
        first = program.get(status="pending", limit=3).json()
    rest = program.get(status="pending", limit=3, cursor=first["next_cursor"]).json()
    seen = [item["id"] for item in first["items"] + rest["items"]]
    assert seen == [str(request.pk) for request in reversed(asked[1:])]
    assert rest["next_cursor"] is None
    assert [item["id"] for item in program.get(status="rejected").json()["items"]] == [str(asked[0].pk)]
    assert len(program.get().json()["items"]) == 5


def test_a_decision_answers_with_the_request(subject: make.Subject, ours, program) -> None:
    asked = make.request(ours)
    response = program.decide(asked, decision="reject", revision=1, reason="Too much.")
    body = response.json()
    assert response.status_code == 200
    assert (body["status"], body["revision"], body["decided_by"], body["decided_via"]) == (
        "rejected", 2, "ada", "api",
    )  # fmt: skip
    assert body["history"][0]["decision"] == "reject"
    assert subject.told == [(asked.subject_id, "reject", "rejected")]


def test_the_second_gets_409_with_who_when_and_what(subject: make.Subject, ours, program) -> None:
    asked = make.request(ours)
    bob = make.person(Role.APPROVER, of=ours, name="bob")
    first = decide(bob, asked.pk, decision="approve", revision=1, via="page")
    response = program.decide(asked, decision="reject", revision=1)
    body = response.json()
    assert response.status_code == 409
    assert response["Content-Type"].startswith("application/problem+json")
    assert (body["decided_by"], body["decision"]) == ("bob", "approve")
    assert body["decided_at"][:19] == first.decided_at.isoformat()[:19]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "yes", "revision": 1}, "decision"),
        ({"decision": None, "revision": 1}, "decision"),
        ({"decision": "edit", "revision": 1}, "arguments"),
        ({"decision": "answer", "revision": 1}, "answer"),
        ({"decision": "take_back", "revision": 1}, "decision"),
        ({"decision": "done", "revision": 1, "outcome": "Did it."}, "decision"),
        ({"decision": "hold", "revision": 1}, "decision"),
        ({"revision": 1}, "decision"),
        ({"decision": "approve"}, "revision"),
        ({"decision": "approve", "revision": "1"}, "revision"),
        ({"decision": "approve", "revision": True}, "revision"),
        ({"decision": "approve", "revision": -1}, "revision"),
        ({"decision": "approve", "revision": 10**30}, "revision"),
        ({"decision": "approve", "revision": 1, "arguments": {"to": "eve@example.com"}}, "arguments"),
        ({"decision": "approve", "revision": 1, "decided_by": "bob"}, "decided_by"),
        ({"decision": "reject", "revision": 1, "reason": "nul \0"}, "reason"),
        ({"decision": "reject", "revision": 1, "reason": "turned \u202e"}, "reason"),
        ({"decision": "reject", "revision": 1, "reason": "x" * 4_001}, "reason"),
        ({"decision": "approve", "revision": 1, "outcome": "Did it."}, "outcome"),
    ],
)
def test_what_is_not_a_decision_names_its_field_and_changes_nothing(
    subject: make.Subject, ours, program, body: dict[str, Any], field: str
) -> None:
    asked = make.request(ours)
    response = program.decide(asked, **body)
    assert (response.status_code, response.json()["field"]) == (422, field)
    asked.refresh_from_db()
    assert (asked.status, asked.revision) == ("pending", 1)


def test_approving_critical_says_what_to_do_instead(subject: make.Subject, ours, program) -> None:
    response = program.decide(make.request(ours, Tier.CRITICAL), decision="approve", revision=1)
    assert response.status_code == 422
    assert "report the outcome with `done`" in response.json()["detail"]


def test_following_a_link_decides_nothing(subject: make.Subject, ours, program) -> None:
    """Mail scanners fetch every address they see."""
    asked = make.request(ours)
    assert program.get(f"/{asked.pk}/decision", decision="approve", revision=1).status_code == 405
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_asking_reading_and_deciding_are_separate_scopes(subject: make.Subject, ours) -> None:
    asked = make.request(ours)
    approver = make.person(Role.APPROVER, of=ours)
    reads = Program(approver, "approvals:read", "approvals:ask")
    assert reads.get(f"/{asked.pk}").status_code == 200
    assert reads.decide(asked, decision="approve", revision=1).status_code == 403
    assert Program(approver, "approvals:decide").get().status_code == 403
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_a_token_has_no_more_rights_than_its_owner(subject: make.Subject, ours) -> None:
    viewer = Program(make.person(Role.VIEWER, of=ours), "approvals:read", "approvals:decide")
    assert viewer.decide(make.request(ours), decision="approve", revision=1).status_code == 403


def test_what_may_not_be_seen_answers_like_what_is_not_there(subject: make.Subject, program) -> None:
    theirs = make.request(make.team())
    unseen, absent = program.get(f"/{theirs.pk}"), program.get(f"/{uuid4()}")
    assert (unseen.status_code, unseen.json()) == (404, absent.json())
    assert program.decide(theirs, decision="approve", revision=1).status_code == 404
    assert program.get("/no-id").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [({"status": "any"}, "status"), ({"limit": 0}, "limit"), ({"cursor": "x"}, "cursor")],
)
def test_a_wrong_question_names_its_field(program, query: dict[str, Any], field: str) -> None:
    response = program.get(**query)
    assert (response.status_code, response.json()["field"]) == (422, field)


def test_nobody_decides_without_signing_in(subject: make.Subject, ours, program) -> None:
    asked = make.request(ours)
    program.secret = "not a token"
    assert program.decide(asked, decision="approve", revision=1).status_code == 401
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_several_are_decided_at_once_and_each_says_how_it_went(subject: make.Subject, ours, program) -> None:
    fine, old, critical = make.request(ours), make.request(ours), make.request(ours, Tier.CRITICAL)
    items = [{"id": str(fine.pk), "revision": 1}, {"id": str(old.pk), "revision": 7}]
    items += [{"id": str(critical.pk), "revision": 1}, {"id": str(uuid4()), "revision": 1}]
    response = program.post("/decisions", decision="reject", items=items, reason="A broken run.")
    outcomes = response.json()["items"]
    assert response.status_code == 200
    assert [each["ok"] for each in outcomes] == [True, False, False, False]
    assert outcomes[0]["request"]["status"] == "rejected" and all(each["detail"] for each in outcomes[1:])
    assert outcomes[3]["request"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({"decision": "done"}, "decision"), ({"items": []}, "items"), ({"items": "all"}, "items"), ({"all": True}, "all")],
)
def test_what_does_not_decide_several_names_its_field(ours, program, body: dict[str, Any], field: str) -> None:
    known = {"decision": "reject", "items": [{"id": str(uuid4()), "revision": 1}]}
    response = program.post("/decisions", **{**known, **body})
    assert (response.status_code, response.json()["field"]) == (422, field)


def test_a_claim_tells_the_others_and_is_let_go(subject: make.Subject, ours, program) -> None:
    asked = make.request(ours)
    assert program.send("put", f"/{asked.pk}/claim").json()["claimed_by"] == "ada"
    other = Program(make.person(Role.APPROVER, of=ours, name="bob"), "approvals:decide")
    assert other.send("put", f"/{asked.pk}/claim").status_code == 409
    assert program.send("delete", f"/{asked.pk}/claim").json()["claimed_by"] == ""


def test_requests_are_found_by_tier_tool_agent_and_words(subject: make.Subject, ours, program) -> None:
    asked, medium = make.request(ours), make.request(ours, Tier.MEDIUM)

    def found(**query: str) -> set[str]:
        return {item["id"] for item in program.get(**query).json()["items"]}

    assert found(tier="medium") == {str(medium.pk)}
    assert found(tool="send", agent="support", q="mail ada") == {str(asked.pk), str(medium.pk)}
    assert found(tool="refund") == found(agent="nobody") == found(q="letter") == set()
