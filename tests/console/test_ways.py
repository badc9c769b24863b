"""Forking, taking over and taking back on pages: what each shows, what it refuses and where, and to whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.models import AgentVersion, Run, Step, ToolCall
from tests.api import factories

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(autouse=True)
def folders(tmp_path: Any, settings: Any) -> None:
    settings.AGENTOPS_WORKSPACES = tmp_path


def ended(**fields: Any) -> Run:
    agent = factories.agent(factories.team(), tools=["write_file", "refund_order", "send_email"])
    known = {"status": "succeeded", "stop_reason": "answered", "ended_at": timezone.now(), "steps": 2, "tool_calls": 2}
    run = factories.run(agent, **{**known, **fields})
    for number in (1, 2):
        step = factories.step(run, number)
        Step.objects.filter(pk=step.pk).update(status="answered", output=[{"type": "text", "text": f"Words {number}."}])
    return run


def refund(run: Run, **fields: Any) -> ToolCall:
    arguments = {"order_id": "A-1042", "amount": "12.00", "reason": "Late"}
    result = {"status": "ok", "data": {"refund": 7}}
    known = {"tool": "refund_order", "arguments": arguments, "result": result, "effect": "Refund 12.00 USD"}
    return factories.call(run.step_set.get(number=1), **{**known, **fields})


def signed_in(run: Run, role: str = "operator") -> Client:
    return factories.signed_in(factories.person(run.team, role))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_step_offers_the_fork_to_who_may_and_the_fork_shows_what_it_shares() -> None:
    run = ended()
    address = reverse("run-fork", args=[run.pk, 2])
    client = signed_in(run)
    assert address in text(client.get(reverse("run", args=[run.pk])))
    assert address not in text(signed_in(run, "viewer").get(reverse("run", args=[run.pk])))
    assert "remembers the step before" in text(client.get(address))
    answer = client.post(address, {"words": HOSTILE, "version": "same"})
    fork = Run.objects.get(forked_from=run)
    assert answer["Location"] == reverse("run", args=[fork.pk])
    page = text(client.get(answer["Location"]))
    assert "Words 1." in page and "Words 2." not in page
    assert f'href="{reverse("run", args=[run.pk])}#step-1"' in page
    assert "<script>alert" not in page and "\u202e" not in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"version": "7"}, "Say one of"),
        ({"words": "x" * 20_001}, "at most 20,000"),
        ({"goal": "Another."}, "Only a fork from step 1"),
        ({"max_steps": "1"}, "counted on"),
        ({"max_cost_usd": "many"}, "Write a number"),
        ({"max_cost_usd": "9" * 400}, "at most"),
    ],
)
def test_a_fork_that_cannot_be_comes_back_with_what_was_typed_and_why(typed: dict[str, str], said: str) -> None:
    run = ended()
    answer = signed_in(run).post(reverse("run-fork", args=[run.pk, 2]), {"words": "Mine.", **typed})
    assert answer.status_code == 422
    assert said in text(answer)
    assert Run.objects.filter(team=run.team).count() == 1


def test_a_fork_of_a_step_that_is_not_there_is_nowhere() -> None:
    run = ended()
    assert signed_in(run).get(reverse("run-fork", args=[run.pk, 99])).status_code == 404
    assert signed_in(run).post(f"/runs/{run.pk}/steps/{10**17}/fork").status_code == 404


def test_who_took_over_chooses_a_tool_and_the_others_read_who_did() -> None:
    run = ended(status="paused", ended_at=None, stop_reason="", taken_over_by="ada")
    ada = factories.person(run.team, "operator")
    type(ada).objects.filter(pk=ada.pk).update(username="ada")
    mine = text(factories.signed_in(ada).get(reverse("run", args=[run.pk])))
    assert "You have taken it over" in mine and "?tool=refund_order" in mine and "Hand back" in mine
    other = text(signed_in(run).get(reverse("run", args=[run.pk])))
    assert "ada has taken it over" in other and "?tool=refund_order" not in other


def test_a_call_is_filled_in_by_its_form_and_a_mistake_stands_at_its_field() -> None:
    run = ended(status="paused", ended_at=None, stop_reason="", taken_over_by="ada")
    ada = factories.person(run.team, "operator")
    type(ada).objects.filter(pk=ada.pk).update(username="ada")
    client, address = factories.signed_in(ada), reverse("run-order", args=[run.pk])
    assert 'name="arg.0"' in text(client.get(address, {"tool": "write_file"}))
    form = {"tool": "write_file", "tab": "form", "base": "{}"}
    refused = client.post(address, {**form, "arg.0": "a.md"})
    assert refused.status_code == 422 and "required, but missing" in text(refused)
    assert 'value="a.md"' in text(refused), "what was typed stays"
    assert Run.objects.get(pk=run.pk).orders == []
    as_json = client.post(address, {**form, "arg.0": "a.md", "arg.1": "One.", "to": "json"})
    assert "&quot;path&quot;: &quot;a.md&quot;" in text(as_json)
    done = client.post(address, {**form, "arg.0": "a.md", "arg.1": "One.", "note": "So."})
    assert done["Location"] == reverse("run", args=[run.pk])
    [order] = Run.objects.get(pk=run.pk).orders
    assert order["arguments"] == {"path": "a.md", "text": "One."}


@pytest.mark.parametrize("typed", ["{", "[]", "NaN", '{"path": NaN}', "[" * 100_000, '{"path": "\\ud800", "text": ""}'])
def test_json_that_is_none_is_refused_and_kept(typed: str) -> None:
    run = ended(status="paused", ended_at=None, stop_reason="", taken_over_by="ada")
    ada = factories.person(run.team, "operator")
    type(ada).objects.filter(pk=ada.pk).update(username="ada")
    form = {"tool": "write_file", "tab": "json", "base": "{}", "json": typed}
    answer = factories.signed_in(ada).post(reverse("run-order", args=[run.pk]), form)
    assert answer.status_code == 422
    assert Run.objects.get(pk=run.pk).orders == []


@pytest.mark.parametrize(("tool", "status"), [("", 200), ("nothing", 422), (HOSTILE, 422), ("x" * 9000, 422)])
def test_a_tool_that_the_agent_has_not_is_answered_with_those_it_has(tool: str, status: int) -> None:
    run = ended(status="paused", ended_at=None, stop_reason="", taken_over_by="ada")
    answer = signed_in(run).get(reverse("run-order", args=[run.pk]), {"tool": tool})
    assert answer.status_code == status
    assert "?tool=write_file" in text(answer) and "<script>alert" not in text(answer)


@pytest.mark.parametrize(("taken", "said"), [("ada", "ada has taken it over"), ("", "Take the run over first")])
def test_the_tools_say_why_somebody_else_can_order_none(taken: str, said: str) -> None:
    run = ended(status="paused", ended_at=None, stop_reason="", taken_over_by=taken)
    page = text(signed_in(run).get(reverse("run-order", args=[run.pk])))
    assert said in page and 'role="alert"' not in page


def test_taking_back_asks_first_and_says_what_stays() -> None:
    run = ended()
    call = refund(run)
    factories.call(run.step_set.get(number=2), tool="send_email", effect=f"Send mail {HOSTILE}")
    client, address = signed_in(run), reverse("run-undo", args=[run.pk])
    page = text(client.get(reverse("run", args=[run.pk])))
    assert f"{address}?call={call.pk}" in page and f'href="{address}"' in page
    asked = text(client.get(address))
    assert "Take back refund 7" in asked and "no way back" in asked and "<script>alert" not in asked
    assert Run.objects.filter(undoes=run).count() == 0
    answer = client.post(address)
    undo = Run.objects.get(undoes=run)
    assert answer["Location"] == reverse("run", args=[undo.pk])
    page = text(client.get(answer["Location"]))
    assert "It takes back" in page and 'id="message"' not in page
    after = text(client.get(reverse("run", args=[run.pk])))
    assert "being taken back" in after and f"?call={call.pk}" not in after
    again = client.post(address, follow=True)
    assert "no way back" in text(again) and Run.objects.filter(undoes=run).count() == 1


def test_the_timeline_leads_to_the_fork_and_to_what_takes_back_and_says_how_they_stand() -> None:
    run = ended()
    refund(run)
    client = signed_in(run)
    client.post(reverse("run-fork", args=[run.pk, 1]), {"words": "Other way."})
    client.post(reverse("run-undo", args=[run.pk]))
    fork, undo = Run.objects.get(forked_from=run), Run.objects.get(undoes=run)
    Run.objects.filter(pk=undo.pk).update(status="failed", ended_at=timezone.now())
    page = text(client.get(reverse("run", args=[run.pk])))
    for other, status in ((fork, "queued"), (undo, "failed")):
        link = f'<a href="{reverse("run", args=[other.pk])}"><span class="status" data-status="{status}">'
        assert link in page
        back = text(client.get(reverse("run", args=[other.pk])))
        assert f'<a href="{reverse("run", args=[run.pk])}"><span class="status" data-status="succeeded">' in back


def test_a_run_whose_children_acted_leads_to_each_of_them() -> None:
    run, done = ended(tool_calls=0), {"status": "succeeded", "ended_at": timezone.now()}
    AgentVersion.objects.filter(pk=run.version_id).update(planning="plan")
    child, idle = (
        factories.run(run.agent, **done, parent=run, depth=1, goal=f"{goal} {HOSTILE}") for goal in ("Refund", "Look")
    )
    factories.step(child)
    refund(child)
    client, address = signed_in(run), reverse("run-undo", args=[run.pk])
    assert f'href="{address}"' in text(client.get(reverse("run", args=[run.pk])))
    page = text(client.get(address))
    assert reverse("run-undo", args=[child.pk]) in page and reverse("run-undo", args=[idle.pk]) not in page
    assert "It did nothing itself" in page and "<script>alert" not in page


@pytest.mark.parametrize("call", ["abc", "0", "9" * 30, "-1"])
def test_taking_back_a_call_that_is_not_there_is_nowhere(call: str) -> None:
    run = ended()
    assert signed_in(run).get(reverse("run-undo", args=[run.pk]), {"call": call}).status_code == 404
    assert signed_in(run).post(reverse("run-undo", args=[run.pk]), {"call": call}).status_code == 404


def test_a_doubt_shows_what_was_looked_up_and_takes_nothing_for_granted() -> None:
    run = ended(status="waiting", waiting_on="in_doubt", ended_at=None, stop_reason="")
    said = {"said": f"No mail {HOSTILE}", "happened": False, "at": "2026-11-21T12:04:31+00:00"}
    mail = {"to": "ada@example.com", "subject": "Hello", "body": "Hello."}
    call = refund(run, tool="send_email", arguments=mail, status="in_doubt", result=None, verified=said)
    client = signed_in(run, "admin")
    page = text(client.get(reverse("run", args=[run.pk])))
    assert "It did not happen." in page and "Check again" in page and "<script>alert" not in page
    assert 'button-primary" type="submit" name="outcome" value="did_not_happen"' in page
    assert client.post(reverse("call-verify", args=[run.pk, call.pk])).status_code == 302
    call.refresh_from_db()
    assert call.verified and call.verified["asked_by"] and call.status == "in_doubt"
    assert "being looked up" in text(client.get(reverse("run", args=[run.pk])))
