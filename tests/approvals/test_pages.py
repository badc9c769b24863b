"""The pages of the review queue: what they show, what they take, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from agentops.core.tools import Tier
from approvals import actions
from approvals.models import ApprovalRequest, Inquiry

from . import factories

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def team() -> Team:
    return factories.team()


@pytest.fixture
def approver(team: Team) -> Actor:
    return factories.person(Role.APPROVER, of=team)


@pytest.fixture(autouse=True)
def known(subject: factories.Subject) -> Iterator[factories.Subject]:
    yield subject


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)  # type: ignore[arg-type]
    return client


def ask(team: Team, **fields: Any) -> ApprovalRequest:
    tier = fields.pop("tier", Tier.HIGH)
    made = factories.request(team, tier)
    ApprovalRequest.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def question(team: Team, **arguments: Any) -> ApprovalRequest:
    given = {"question": "Which carrier?", "options": ["DHL", "The post"], **arguments}
    return ask(team, wants="answer", tool="ask_human", effect="Which carrier?", arguments=given)


def decide(client: Client, request: ApprovalRequest, decision: str, **data: str) -> Any:
    body = {"decision": decision, "revision": str(request.revision), **data}
    return client.post(f"/approvals/{request.pk}/decision", body, headers=HTMX)


def test_without_javascript_an_approval_leads_to_its_way_back(team: Team, approver: Actor, settings: Any) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60
    request, client = ask(team), browser(approver)
    body = {"decision": "approve", "revision": request.revision}
    page = client.post(f"/approvals/{request.pk}/decision", body, follow=True)
    assert page.redirect_chain[-1][0] == f"/approvals/{request.pk}"
    assert 'value="take_back"' in page.content.decode()
    request.refresh_from_db()
    client.post(f"/approvals/{request.pk}/decision", {"decision": "take_back", "revision": request.revision})
    request.refresh_from_db()
    assert request.status == "pending"


def test_what_took_effect_offers_no_way_back(team: Team, approver: Actor) -> None:
    request, client = ask(team), browser(approver)
    assert 'value="take_back"' not in decide(client, request, "approve").content.decode()
    request.refresh_from_db()
    late = decide(client, request, "take_back")
    assert late.status_code in (409, 422)


def test_the_event_of_a_decision_brings_its_way_back(team: Team, approver: Actor, settings: Any) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60
    answer = decide(browser(approver), ask(team), "approve")
    assert '"until": "1' in answer.headers["HX-Trigger"]
    assert "Approved: Send a mail" in answer.headers["HX-Trigger"]


def test_a_question_shows_its_options_and_no_approval(team: Team, approver: Actor) -> None:
    request, client = question(team), browser(approver)
    page = client.get(f"/approvals/{request.pk}").content.decode()
    assert 'data-tier="question"' in page
    assert 'value="DHL"' in page
    assert 'value="approve"' not in page
    assert decide(client, request, "answer", option="DHL", answer="ignored").status_code == 200
    request.refresh_from_db()
    assert (request.status, request.outcome) == ("answered", "DHL")


def test_an_empty_answer_is_named_at_its_field(team: Team, approver: Actor) -> None:
    answer = decide(browser(approver), question(team), "answer", answer="  ")
    assert answer.status_code == 422
    assert 'data-answer aria-invalid="true"' in answer.content.decode()


def test_an_operator_answers_questions_and_decides_nothing(team: Team) -> None:
    client = browser(factories.person(Role.OPERATOR, of=team))
    assert "data-answer" in client.get(f"/approvals/{question(team).pk}").content.decode()
    page = client.get(f"/approvals/{ask(team).pk}").content.decode()
    assert "An approver or an admin of the team decides." in page
    assert 'value="approve"' not in page


def test_a_question_to_the_agent_shows_until_it_is_answered(team: Team, approver: Actor) -> None:
    request, client = ask(team), browser(approver)
    asked = client.post(f"/approvals/{request.pk}/questions", {"question": "Why <b>her</b>?"}, headers=HTMX)
    assert asked.status_code == 200
    assert "Why &lt;b&gt;her&lt;/b&gt;?" in asked.content.decode()
    assert "The agent is asked" in asked.content.decode()
    actions.answer_inquiry(Inquiry.objects.get(request=request).pk, "She **wrote** first.")
    assert "She <strong>wrote</strong> first." in client.get(f"/approvals/{request.pk}").content.decode()


def test_an_empty_question_is_refused_at_its_field(team: Team, approver: Actor) -> None:
    answer = browser(approver).post(f"/approvals/{ask(team).pk}/questions", {"question": ""}, headers=HTMX)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()


def test_a_claim_shows_to_others_on_row_and_request(team: Team, approver: Actor) -> None:
    request = ask(team)
    other = factories.person(Role.APPROVER, of=team, name="grace")
    assert browser(other).post(f"/approvals/{request.pk}/claim", {"claim": "yes"}, headers=HTMX).status_code == 200
    page = browser(approver).get(f"/approvals/{request.pk}").content.decode()
    assert "<strong>grace</strong> is looking at this" in page
    assert "grace is looking</span>" in page
    refused = browser(approver).post(f"/approvals/{request.pk}/claim", {"claim": "yes"}, headers=HTMX)
    assert refused.status_code == 409
    browser(other).post(f"/approvals/{request.pk}/claim", {"claim": "no"}, headers=HTMX)
    assert "is looking" not in browser(approver).get(f"/approvals/{request.pk}").content.decode()


def test_precedent_counts_and_marks_what_is_new(team: Team, approver: Actor) -> None:
    client = browser(approver)
    for _ in range(3):
        actions.decide(approver, ask(team).pk, decision="approve", revision=1, via="page")
    actions.decide(approver, ask(team).pk, decision="reject", revision=1, via="page")
    unusual = ask(team, arguments={"to": "eve@elsewhere.example"})
    page = client.get(f"/approvals/{unusual.pk}").content.decode()
    assert "approved 3" in page and "rejected 1" in page
    assert "nothing approved before went to elsewhere.example" in page
    usual = client.get(f"/approvals/{ask(team).pk}").content.decode()
    assert "stands-out" not in usual


def test_what_was_approved_and_undone_is_no_example(team: Team, approver: Actor) -> None:
    made = [ask(team, arguments={"to": f"{name}@elsewhere.example"}) for name in ("a", "b")]
    for each in made:
        actions.decide(approver, each.pk, decision="approve", revision=1, via="page")
    usual = ask(team, arguments={"to": "c@elsewhere.example"})
    with factories.subject() as known:
        page = browser(approver).get(f"/approvals/{usual.pk}").content.decode()
        assert "undone afterwards" not in page and "nothing approved before" not in page
        known.regretted = {each.subject_id for each in made}
        page = browser(approver).get(f"/approvals/{usual.pk}").content.decode()
    assert "approved 2" in page and "2 undone afterwards" in page


def test_a_group_is_counted_and_its_odd_one_marked(team: Team, approver: Actor) -> None:
    for amount in (10, 12, 900):
        ask(team, arguments={"to": "ada@example.com", "amount": amount})
    ask(team, tool="other")
    page = browser(approver).get("/approvals/").content.decode()
    assert "<code>send</code>&nbsp;3" in page
    assert page.count("amount differs") == 1
    group = browser(approver).get("/approvals/?tool=send&agent=support").content.decode()
    assert group.count('class="strip"') == 3


def test_the_page_takes_the_same_queries_for_few_and_many(team: Team, approver: Actor) -> None:
    client = browser(approver)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/approvals/").status_code == 200
        return len(captured)

    for _ in range(3):
        ask(team)
    few = queries()
    for _ in range(40):
        ask(team)
    assert queries() == few


def test_decided_requests_are_found_by_words_and_filters(team: Team, approver: Actor) -> None:
    client = browser(approver)
    kept, other = ask(team), ask(team, tool="delete", effect="Delete a customer")
    actions.decide(approver, kept.pk, decision="approve", revision=1, via="page")
    actions.decide(approver, other.pk, decision="reject", revision=1, reason="too risky", via="page")

    def found(query: str) -> list[str]:
        page = client.get(f"/approvals/history/?{query}").content.decode()
        return [name for name, one in (("kept", kept), ("other", other)) if str(one.pk) in page]

    assert found("") == ["kept", "other"]
    assert found("q=mail+ada") == ["kept"]
    assert found("q=risky") == ["other"]
    assert found("status=rejected") == ["other"]
    assert found("tool=delete") == ["other"]
    assert found(f"who={approver.user}") == ["kept", "other"]
    assert found("who=nobody") == []
    assert found("from=2001-01-01&to=2001-01-02") == []
    assert found("from=never&tier=enormous&status=pending&q=%00") == ["kept", "other"]


def test_history_is_of_ones_own_teams(approver: Actor) -> None:
    theirs = factories.team()
    hidden = ask(theirs)
    actions.decide(factories.person(Role.APPROVER, of=theirs), hidden.pk, decision="reject", revision=1, via="page")
    assert str(hidden.pk) not in browser(approver).get("/approvals/history/?q=mail").content.decode()


@pytest.mark.parametrize("path", ["", "/arguments"])
def test_other_teams_requests_are_not_there(approver: Actor, path: str) -> None:
    hidden = ask(factories.team())
    assert browser(approver).get(f"/approvals/{hidden.pk}{path}").status_code == 404


@pytest.mark.parametrize("path", ["decision", "questions", "claim", "arguments"])
def test_what_one_may_not_see_one_cannot_change(approver: Actor, path: str) -> None:
    hidden = ask(factories.team())
    body = {"decision": "approve", "revision": "1", "question": "?", "claim": "yes"}
    assert browser(approver).post(f"/approvals/{hidden.pk}/{path}", body, headers=HTMX).status_code == 404
    hidden.refresh_from_db()
    assert (hidden.status, hidden.claimed_by) == ("pending", None)


@pytest.mark.parametrize("path", ["decision", "questions", "claim", "arguments"])
def test_a_viewer_changes_nothing(team: Team, path: str) -> None:
    request, client = ask(team), browser(factories.person(Role.VIEWER, of=team))
    body = {"decision": "approve", "revision": "1", "question": "?", "claim": "yes"}
    assert client.post(f"/approvals/{request.pk}/{path}", body, headers=HTMX).status_code == 403
    request.refresh_from_db()
    assert (request.status, request.claimed_by) == ("pending", None)


def test_hidden_characters_are_written_out(team: Team, approver: Actor) -> None:
    request = ask(team, effect="Pay \u202eeve", arguments={"to": "a\u202eb", "note": "שלום 🎉"})
    page = browser(approver).get(f"/approvals/{request.pk}").content.decode()
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page and "שלום 🎉" in page


def test_a_claim_ends_by_itself(team: Team, approver: Actor) -> None:
    request = ask(team)
    actions.claim(factories.person(Role.APPROVER, of=team, name="joan"), request.pk)
    ApprovalRequest.objects.filter(pk=request.pk).update(claimed_at=Now() - timedelta(hours=1))
    assert "is looking" not in browser(approver).get(f"/approvals/{request.pk}").content.decode()
