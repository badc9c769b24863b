"""The run page without a browser: what it shows of a run, to whom, and at what cost."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from agentops.engine.aside import QUESTION
from approvals.models import Decision
from runs.models import Event, ModelCall, Plan, PlanStep, Run, RunMessage, Step
from runs.pages.expected import Expected
from tests.api import factories

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
PARTIAL = {"HTTP_HX_REQUEST": "true"}


def make_run(**fields: Any) -> Run:
    return factories.run(factories.agent(factories.team()), **fields)


def page(run: Run, role: str = "operator", **query: Any) -> str:
    client = factories.signed_in(factories.person(run.team, role))
    response = client.get(reverse("run", args=[run.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def add_step(run: Run, number: int, at: Any = None, **fields: Any) -> Step:
    step = factories.step(run, number)
    known = {"status": "answered", "output": [{"type": "text", "text": f"Words of {number}."}]}
    Step.objects.filter(pk=step.pk).update(**{"opened_at": at or step.opened_at, **known, **fields})
    Run.objects.filter(pk=run.pk).update(steps=number)
    step.refresh_from_db()
    return step


def acted(run: Run, at: Any, action: str, note: str = "", kind: str = "person.acted") -> None:
    run.seq += 1
    Run.objects.filter(pk=run.pk).update(seq=run.seq)
    data = {"by": "ada", "action": action, "note": note} if kind == "person.acted" else {}
    Event.objects.create(run=run, seq=run.seq, kind=kind, data=data, at=at)


def between(html: str, first: str, last: str) -> str:
    return html[html.index(first) : html.index(last)]


def test_what_people_did_stands_between_the_steps_it_came_between() -> None:
    run, now = make_run(status="running"), timezone.now()
    add_step(run, 1, now)
    add_step(run, 2, now + 10 * SECOND)
    acted(run, now - SECOND, "paused")
    acted(run, now + 5 * SECOND, "raised steps to 60")
    acted(run, now + 15 * SECOND, "", kind="run.recovered")
    html = page(run)
    first, second = between(html, 'id="step-1"', 'id="step-2"'), html[html.index('id="step-2"') :]
    assert first.index("paused") < first.index("Words of 1.") < first.index("raised steps to 60")
    assert "Its worker was lost" in second and "Its worker was lost" not in first


def test_a_deed_after_an_unloaded_step_is_not_put_to_the_first_one_shown() -> None:
    run, now = make_run(status="running"), timezone.now()
    for number in range(1, 70):
        add_step(run, number, now + number * SECOND)
    acted(run, now + 2.5 * SECOND, "paused")
    assert "paused" not in page(run)
    client = factories.signed_in(factories.person(run.team))
    earlier = client.get(reverse("run-steps", args=[run.pk]), {"before": 10}).content.decode()
    assert "paused" in between(earlier, 'id="step-2"', 'id="step-3"')


def test_what_was_done_to_a_queued_run_shows_before_there_is_a_step() -> None:
    run = make_run(status="paused")
    acted(run, timezone.now(), "paused", "Wait for the boss.")
    assert "Wait for the boss." in page(run)


def test_a_message_shows_as_unread_and_then_in_the_step_that_read_it() -> None:
    run = make_run(status="running", unread=1)
    message = RunMessage.objects.create(run=run, text="Be kind.", by_name="ada")
    add_step(run, 1)
    assert "not read yet" in page(run)
    words = [{"type": "text", "text": "A person who watches this run (ada) says: Be kind."}]
    message.step = add_step(run, 2, input={"role": "user", "content": words})
    message.save()
    Run.objects.update(unread=0)
    html = page(run)
    assert "not read yet" not in html
    assert html.count("Be kind.") == 1
    assert "Be kind." in html[html.index('id="step-2"') :]


def test_an_aside_is_a_question_and_an_answer() -> None:
    run = make_run(status="waiting", waiting_on="approval")
    asked = QUESTION.format(effect="Pay 5 USD", by="ada", question="Why\n5?")
    content = [{"type": "tool_result", "content": "x"}, {"type": "text", "text": asked}]
    add_step(run, 1, kind="aside", input={"role": "user", "content": content})
    html = page(run)
    assert "ada asked:" in html and "Why\n5?" in html and "Pay 5 USD" in html
    assert "Call no tool now" not in html


def test_a_changed_argument_and_an_approval_taken_back_are_told() -> None:
    run = make_run(status="running")
    call = factories.call(add_step(run, 1), arguments={"amount": 100}, edited_by_name="ada", tier="high")
    decided = {"status": "approved", "decided_at": timezone.now(), "decided_by_name": "ada", "decided_via": "page"}
    subject = {"subject_kind": "tool_call", "subject_id": str(call.pk)}
    request = factories.request(run.team, **subject, **decided, arguments={"amount": 100})
    Decision.objects.create(request=request, revision=1, decision="approve", by_name="kim", via="page")
    Decision.objects.create(request=request, revision=2, decision="take_back", by_name="kim", via="page")
    before = {"before": {"arguments": {"amount": 129}}}
    Decision.objects.create(request=request, revision=3, decision="edit", by_name="ada", via="page", details=before)
    html = page(run)
    assert "<b>ada</b> changed <code>amount</code> from <del>129</del> to <ins>100</ins>" in " ".join(html.split())
    assert "kim took an approval back" in html


def test_a_question_is_answered_on_the_page_by_who_may() -> None:
    run = make_run(status="waiting", waiting_on="answer")
    asked = {"question": "Which?", "options": ["<b>left</b>", "right"], "context": "Two fit."}
    call = factories.call(add_step(run, 1), tool="ask_human", status="held", arguments=asked, effect="Which?")
    factories.request(
        run.team,
        subject_kind="tool_call",
        subject_id=str(call.pk),
        wants="answer",
        tier="low",
        arguments=asked,
        effect="Which?",
    )
    for role, may in {"operator": True, "approver": True, "viewer": False}.items():
        html = page(run, role)
        assert (reverse("run-answer", args=[run.pk]) in html) is may
        assert "Two fit." in html
        assert ('value="right"' in html) is may
        assert "<b>left</b>" not in html


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("operator", True), ("approver", False), ("viewer", False)])
def test_controls_are_for_operators_and_others_are_told_who_can(role: str, may: bool) -> None:
    html = page(make_run(status="running"), role)
    for name in ("run-pause", "run-message", "run-limits", "run-cancel"):
        assert (f'action="{reverse(name, args=[Run.objects.get().pk])}"' in html) is may
    assert ("An operator or an admin of the team can" in html) is not may


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("max_steps", "Raise it and go on"),
        ("max_cost", "Raise it and go on"),
        ("model_failed", "Try the failed step again"),
        ("error", "Try again"),
        ("truncated", "Let it go on"),
        ("refused", "Ask it to go on"),
    ],
)
def test_a_failed_run_says_what_lets_it_go_on(reason: str, words: str) -> None:
    run = make_run(status="failed", stop_reason=reason, ended_at=timezone.now())
    assert words in page(run) and reverse("run-continue", args=[run.pk]) in page(run)
    assert reverse("run-continue", args=[run.pk]) not in page(run, "viewer")


def test_the_limit_at_which_it_stopped_is_offered_doubled() -> None:
    run = make_run(status="failed", stop_reason="max_cost", ended_at=timezone.now(), max_cost_usd="1.50")
    html = page(run)
    assert 'name="max_cost_usd" inputmode="decimal" value="3"' in html
    assert f'name="max_steps" inputmode="numeric" value="{run.max_steps}"' in html


def test_a_limit_that_is_near_can_be_raised_from_its_meter() -> None:
    run = make_run(status="running", max_steps=10, steps=8)
    assert 'href="#limit-max_steps" data-raise' in page(run)
    assert "data-raise" not in page(run, "viewer")


def test_every_attempt_of_a_failed_step_is_listed() -> None:
    run = make_run(status="failed", stop_reason="model_failed", ended_at=timezone.now())
    step = add_step(run, 1, status="failed", error="No model answered.", output=[])
    for number, kind in ((2, "overloaded"), (3, "auth")):
        ModelCall.objects.create(
            step=step, run=run, number=number, provider="p", model=f"model-{number}", started_at=timezone.now(),
            duration_ms=1, input_tokens=0, output_tokens=0, cost_usd=0, price_source="", error_kind=kind,
            error=f"why it failed {number}",
        )  # fmt: skip
    html = page(run)
    assert "Attempt <strong>" not in html
    for said in ("Attempt 2 on model-2 failed", "overloaded", "why it failed 2", "Attempt 3 on model-3", "auth"):
        assert said in html


def test_the_raw_request_is_what_the_model_was_sent() -> None:
    run = make_run(status="running")
    add_step(run, 1)
    aside = {"role": "user", "content": [{"type": "text", "text": "beside"}]}
    add_step(run, 2, kind="aside", input=aside)
    last = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]}
    add_step(run, 3, input=last)
    client = factories.signed_in(factories.person(run.team, "viewer"))
    sent = client.get(reverse("run-step-request", args=[run.pk, 3])).json()
    assert sent["system"].startswith("Help.\n\n")
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][-1] == last
    panel = client.get(reverse("run-step-raw", args=[run.pk, 3])).content.decode()
    assert "System prompt" in panel and reverse("run-step-request", args=[run.pk, 3]) in panel


def test_others_see_nothing_of_it() -> None:
    run = make_run(status="running")
    add_step(run, 1)
    stranger = factories.signed_in(factories.person(factories.team()))
    for name, args in {"run-step-raw": [1], "run-step-request": [1], "run-steps": []}.items():
        assert stranger.get(reverse(name, args=[run.pk, *args])).status_code == 404
    for name in ("run-message", "run-limits", "run-continue", "run-answer", "run-pause"):
        assert stranger.post(reverse(name, args=[run.pk]), {"text": "x"}).status_code == 404


def test_expected_time_and_cost_come_from_past_runs_of_the_agent() -> None:
    run = make_run(status="running", started_at=timezone.now())
    now = timezone.now()
    for minutes in (3, 3, 3, 8, 8):  # half stay below 3, nine in ten below 8
        ended = {"status": "succeeded", "started_at": now - timedelta(minutes=minutes), "ended_at": now}
        factories.run(run.agent, **ended, cost_usd=minutes)
    plan = Plan.objects.create(run=run, number=1)
    step = PlanStep.objects.create(plan=plan, position=0, key="a", title="A part of it", max_tool_calls=0)
    for _ in range(9):
        factories.run(run.agent, status="succeeded", started_at=now, ended_at=now, parent=run, plan_step=step)
    html = page(run)
    assert "usually 3 to 8 min" in html
    assert "$3.00 to $8.00" in html
    assert "usually" not in page(make_run(status="running", started_at=now))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [((4, 4), "4 s"), ((4, 80), "4 to 80 s"), ((20, 600), "20 s to 10 min"), ((600, 9000), "10 min to 2 h")],
)
def test_expected_time_is_in_units_that_fit(seconds: tuple[float, float], words: str) -> None:
    assert Expected(9, seconds, (Decimal(1), Decimal(1))).time_words == words


def steps_of(run: Run, **query: int) -> tuple[list[int], list[str]]:
    """The numbers of the steps that come, and the gaps that are left, above and below."""
    client = factories.signed_in(factories.person(run.team))
    html = client.get(reverse("run-steps", args=[run.pk]), query).content.decode()
    return [int(n) for n in re.findall(r'id="step-(\d+)"', html)], re.findall(
        r'data-after="\d+" data-before="\d+"', html
    )


def test_a_link_to_a_far_step_brings_those_around_it_and_leaves_gaps() -> None:
    run = make_run(status="running")
    steps = [add_step(run, number) for number in range(1, 121)]
    call = factories.call(steps[49])
    around = list(range(40, 80))
    left = ['data-after="0" data-before="40"', 'data-after="79" data-before="100"']
    assert steps_of(run, after=0, before=100, step=50) == (around, left)
    assert steps_of(run, after=0, before=100, call=call.pk) == (around, left)
    assert steps_of(run, after=79, before=100) == (list(range(80, 100)), [])
    assert steps_of(run, after=60, before=100, step=50) == ([], []), "it is not in this gap"
    assert steps_of(run, after=0, before=100, call=call.pk + 1) == ([], []), "it is nowhere"
    assert steps_of(run, after=0, before=3, step=1) == ([1, 2], [])


def test_a_long_run_costs_as_many_queries_as_a_short_one(django_assert_max_num_queries: Any) -> None:
    run = make_run(status="running")
    for number in range(1, 60):
        factories.call(add_step(run, number))
        acted(run, timezone.now(), "raised steps to 60")
    client = factories.signed_in(factories.person(run.team))
    with django_assert_max_num_queries(18):
        client.get(reverse("run", args=[run.pk]))
    with django_assert_max_num_queries(20):
        client.get(reverse("run-updates", args=[run.pk]), {"after": 1, "last": 30}, **PARTIAL)


def test_hostile_text_stays_text() -> None:
    evil = "<script>alert(1)</script>\u202egnp.exe"
    run = make_run(status="running", goal=evil, unread=1, tainted_by=evil)
    RunMessage.objects.create(run=run, text=evil, by_name=evil[:100])
    step = add_step(run, 1, output=[{"type": "text", "text": evil}])
    factories.call(step, arguments={evil: evil}, effect=evil, untrusted_source=evil, status="in_doubt", reason=evil)
    acted(run, timezone.now(), evil, evil)
    html = page(run, "admin")
    assert "<script>alert" not in html
    assert "\u202e" not in html
