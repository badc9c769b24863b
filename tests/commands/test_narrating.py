"""What a terminal shows of a run: waits with their link, decisions, and nothing that a terminal would obey."""

from __future__ import annotations

import pytest
from django.urls import reverse

from agentops.following import happenings
from agentops.narrating import Narrator
from approvals.actions import decide
from runs.actions import cancel_run
from runs.models import Run
from tests.runs import factories
from tests.runs.conftest import Take, executor, take  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def told(run: Run) -> str:
    """Of a run that has ended."""
    parts: list[str] = []
    narrator = Narrator(run.pk, parts.append)
    for happening in happenings(run.pk):
        narrator.tell(happening)
    narrator.end(Run.objects.get(pk=run.pk))
    return "".join(parts)


def test_a_rejection_is_told_with_its_reason(take: Take) -> None:  # noqa: F811
    run = factories.run()
    hand = take(run)
    hand.open()
    (call,) = hand.answer(factories.answer("refund"))
    request = factories.request_of(call)
    decide(
        factories.person(superuser=True),
        request.pk,
        decision="reject",
        reason="Not due",
        revision=request.revision,
        via="page",
    )
    cancel_run(factories.person(superuser=True), str(run.pk), "Enough")
    text = told(run)
    assert "✗" in text and "Rejected" in text and "Not due" in text
    assert "Cancelled" in text and "Enough" in text


def test_what_waits_is_told_with_its_link(take: Take) -> None:  # noqa: F811
    run = factories.run()
    hand = take(run)
    hand.open()
    (call,) = hand.answer(factories.answer("refund"))
    parts: list[str] = []
    narrator = Narrator(run.pk, parts.append)
    narrator.tell({"type": "event", "kind": "step.answered", "data": {"step": 1}})
    narrator.tell({"type": "event", "kind": "run.changed", "data": {"status": "waiting", "waiting_on": "approval"}})
    text = "".join(parts)
    assert reverse("approval", args=[factories.request_of(call).pk]) in text
    assert "[high]" in text
    assert "Waiting for an approval" in text


def test_streamed_words_are_not_told_twice(take: Take) -> None:  # noqa: F811
    run = factories.run()
    hand = take(run)
    hand.open()
    parts: list[str] = []
    narrator = Narrator(run.pk, parts.append)
    for piece in ("Hello ", "there\x1b[2J", "."):
        narrator.tell({"type": "delta", "step": 1, "kind": "text", "text": piece, "tool": "", "at": 0})
    hand.answer(factories.answer(words="Hello there\x1b[2J."))
    narrator.tell({"type": "event", "kind": "step.answered", "data": {"step": 1}})
    text = "".join(parts)
    assert text.count("Hello there") == 1
    assert "\x1b" not in text and "⟨U+001B⟩" in text


def test_words_of_which_a_piece_was_lost_are_told_whole(take: Take) -> None:  # noqa: F811
    run = factories.run()
    hand = take(run)
    hand.open()
    parts: list[str] = []
    narrator = Narrator(run.pk, parts.append)
    narrator.tell({"type": "delta", "step": 1, "kind": "text", "text": "Hello ", "tool": "", "at": 0})
    hand.answer(factories.answer(words="Hello there."))
    narrator.tell({"type": "event", "kind": "step.answered", "data": {"step": 1}})
    assert "Hello there." in "".join(parts)
