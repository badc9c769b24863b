"""What a terminal shows of a run: waits with their link, decisions, and nothing that a terminal would obey."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from agentops.following import _Announced, happenings
from agentops.live.stream import Broadcaster
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


def streamed(take: Take, words: str, *pieces: tuple[int, str]) -> str:  # noqa: F811
    """What is shown of a step that says so, when these pieces of it arrive (where each begins, and its text)."""
    hand = take(factories.run())
    hand.open()
    parts: list[str] = []
    narrator = Narrator(hand.state.id, parts.append)
    for at, piece in pieces:
        narrator.tell({"type": "delta", "step": 1, "kind": "text", "text": piece, "tool": "", "at": at})
    hand.answer(factories.answer(words=words))
    narrator.tell({"type": "event", "kind": "step.answered", "data": {"step": 1}})
    return "".join(parts)


def test_streamed_words_are_not_told_twice(take: Take) -> None:  # noqa: F811
    text = streamed(take, "Hello there\x1b[2J.", (0, "Hello "), (6, "there\x1b[2J"), (15, "."))
    assert text.count("Hello there") == 1
    assert "\x1b" not in text and "⟨U+001B⟩" in text


@pytest.mark.parametrize(
    "pieces",
    [
        [(0, "Hello ")],
        [(6, "there.")],
        [(0, "Hel"), (6, "there.")],
        [(0, "Good m"), (0, "Hello "), (6, "there.")],
    ],
)
def test_words_of_which_a_piece_was_lost_are_told_once(take: Take, pieces: list[tuple[int, str]]) -> None:  # noqa: F811
    text = streamed(take, "Hello there.", *pieces)
    assert text.count("Hello there.") == 1 and text.count("there") == 1


def test_a_piece_that_comes_after_the_answer_is_not_told_again(take: Take) -> None:  # noqa: F811
    hand = take(factories.run())
    hand.open()
    parts: list[str] = []
    narrator = Narrator(hand.state.id, parts.append)
    hand.answer(factories.answer(words="Hello."))
    narrator.tell({"type": "event", "kind": "step.answered", "data": {"step": 1}})
    narrator.tell({"type": "delta", "step": 1, "kind": "text", "text": "Hello.", "tool": "", "at": 0})
    assert "".join(parts).count("Hello.") == 1


async def test_what_comes_in_one_message_with_an_event_is_told_after_it() -> None:
    run_id = uuid.uuid4()
    with _Announced(run_id) as announced:
        assert list(announced.until_an_event(0.1)) == []
        broadcaster = Broadcaster()
        broadcaster.event(run_id, 1, [{"seq": 1, "kind": "step.opened", "data": {"step": 1}}])
        broadcaster.delta(run_id, 1, "text", "Hello")
        await broadcaster.close()
        assert list(announced.until_an_event(20)) == []
        assert [frame["text"] for frame in announced.until_an_event(0.1)] == ["Hello"]
