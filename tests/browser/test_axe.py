"""Axe finds nothing on any page: phone and desk, light and dark, full and empty.

Of the dark theme, which has the same elements, only the colours are looked at, at one width a page and at the other of
the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page

from agentops.engine.plans import PlannedStep
from approvals.models import ApprovalRequest, Decision, Inquiry
from runs import plan_review
from runs.models import Plan, Run, Trigger
from tests.api import factories

from .desk import Desk

pytestmark = pytest.mark.browser

WIDTHS = [390, 1440]
TURNS = cycle(WIDTHS)
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
FOUND = """async (options) => (await axe.run({ resultTypes: ["violations"], preload: false, ...options })).violations
  .flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target.join(" ")} ${html.slice(0, 120)}`))"""
EMPTY = [
    "/",
    "/approvals/",
    "/approvals/history/",
    "/runs/",
    "/agents/",
    "/outbox/",
    "/tokens/",
    "/budgets/",
    "/policy/",
]


def violations(page: Page, address: str, options: dict[str, Any], status: int = 200) -> list[str]:
    """The page is laid out anew for a width, not loaded anew."""
    answer = page.goto(address)
    assert answer and answer.status == status, address
    page.evaluate(AXE_SCRIPT)
    found = []
    for width in WIDTHS if not options else [next(TURNS)]:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{address} at {width}: {each}" for each in page.evaluate(FOUND, options)]
    return found


def runs(desk: Desk) -> Iterator[Run]:
    """One in each state that has a face of its own."""
    agent, now = desk.agent, timezone.now()
    for status, fields in {
        "succeeded": {"answer": "It is **done**:\n\n| what | much |\n|--|--:|\n| a | 1 |"},
        "failed": {"stop_reason": "max_steps"},
        "cancelled": {},
    }.items():
        run = factories.run(agent, status=status, started_at=now, ended_at=now, steps=1, **fields)
        step = factories.step(run)
        step.status, step.output = "answered", [{"type": "text", "text": "I look.\n\n| what |\n|--|\n| a |"}]
        step.save()
        factories.call(step, effect="Look at it", tool="look", result={"ok": True, "content": "Seen."})
        yield run
    # A lease that lasts: the sweeper leaves it alone.
    yield factories.run(agent, status="running", started_at=now, wake_at=now + timedelta(days=1))
    taken = factories.run(agent, status="paused", started_at=now, steps=1, taken_over_by="somebody")
    factories.step(taken)
    yield taken
    yield factories.run(agent, status="paused", forked_from=taken, forked_step=1, fork_words="Ask first.")
    yield factories.run(agent, status="succeeded", undoes=taken, ended_at=now, answer="- Undone: it")
    doubt = factories.run(agent, status="waiting", waiting_on="in_doubt", started_at=now)
    factories.call(factories.step(doubt), status="in_doubt", tool="pay", effect="Pay 5 USD")
    yield doubt


def requests(desk: Desk) -> Iterator[ApprovalRequest]:
    agent, now = desk.agent, timezone.now()
    for tier in ("medium", "high", "critical"):
        timer = {"decide_at": now + timedelta(hours=1), "on_deadline": "approve"} if tier == "medium" else {}
        waits = {"decide_at": None, "on_deadline": "", **timer}
        yield factories.held(factories.run(agent), tier=tier, arguments={"to": "a@b", "text": "x" * 900}, **waits)
    yield factories.held(
        factories.run(agent), tier="low", wants="answer", effect="Which of the two?", decide_at=None, on_deadline=""
    )
    asked = factories.held(factories.run(agent), claimed_by_name="ada", claimed_at=now)
    Inquiry.objects.create(request=asked, question="Why this one?", asked_by_name="ada", asked_at=now, answer="Cheap.")
    yield asked
    yield plan_request(desk)
    for status in ("approved", "rejected"):
        decided = factories.request(desk.team, status=status, decided_at=now)
        word = {"approved": "approve", "rejected": "reject"}[status]
        Decision.objects.create(request=decided, revision=1, decision=word, by_name="ada", via="page")
        yield decided


def plan_request(desk: Desk) -> ApprovalRequest:
    agent = factories.agent(desk.team, planning="reviewed", tools=["look", "pay"])
    run = factories.run(agent, status="waiting", waiting_on="approval")
    plan = Plan.objects.create(run=run, number=1, status="in_review")
    steps = [
        PlannedStep("look", "Look at it", "Look well.", ("look", "pay"), (), 3),
        PlannedStep("tell", "Tell of it", "Write it down.", (), ("look",)),
    ]
    plan_review.add_steps(plan, steps, 0)
    plan_review.ask(run, plan, 1, steps)
    return ApprovalRequest.objects.get(subject_kind="plan", subject_id=str(plan.pk))


@pytest.fixture
def addresses(desk: Desk) -> list[str]:
    root = User.objects.get(pk=desk.person.pk)
    root.is_superuser = root.is_staff = True
    root.save()
    agent = f"/agents/{desk.team.slug}/{desk.agent.name}/"
    policy = f"/policy/{desk.team.slug}/"
    hook = Trigger.objects.create(team=desk.team, kind="webhook", name="Mail", agent=desk.agent, goal="Look.")
    hook.firings.create(key="1", result="refused", reason="It does not fit.")
    taken = next(run for run in runs(desk) if run.taken_over_by)
    return [
        "/", "/approvals/", *(f"/approvals/{each.pk}" for each in requests(desk)),
        *(f"/approvals/{each.pk}/arguments" for each in ApprovalRequest.objects.filter(team=desk.team, tool="plan")),
        "/approvals/history/",
        "/runs/", "/runs/new", *(f"/runs/{run.pk}/" for run in runs(desk)),
        "/agents/", "/agents/new", agent, f"{agent}edit", f"{agent}versions/",
        "/tools/", "/tools/look/", "/budgets/", f"/policy/?team={desk.team.slug}", f"{policy}rules/new",
        f"{policy}versions/", "/triggers/", "/triggers/new", f"/triggers/{hook.pk}/", f"/triggers/{hook.pk}/edit",
        "/workers/", f"/runs/{taken.pk}/steps/1/fork", f"/runs/{taken.pk}/orders", f"/runs/{taken.pk}/undoing",
        "/outbox/", "/people/", "/people/new", f"/people/{root.pk}/", "/teams/", "/tokens/",
        "/settings/", "/settings/installation", "/api/docs",
    ]  # fmt: skip


@pytest.mark.parametrize(("scheme", "rules"), [("light", {}), ("dark", COLOURS)])
def test_axe_finds_nothing(desk: Desk, addresses: list[str], scheme: Any, rules: dict[str, Any]) -> None:
    desk.expected += ["404", "Applying inline style"]  # axe styles what it measures
    page = desk.page("/", color_scheme=scheme)
    found = [each for address in addresses for each in violations(page, address, rules)]
    found += violations(page, f"/runs/{uuid4()}/", rules, status=404)
    fresh = desk.context(factories.person(factories.team()), color_scheme=scheme).new_page()
    found += [each for address in EMPTY for each in violations(fresh, address, rules)]
    nobody = desk.context(color_scheme=scheme).new_page()
    found += [each for address in ("/sign-in/", "/admin/login/") for each in violations(nobody, address, rules)]
    assert "\n".join(found) == ""
