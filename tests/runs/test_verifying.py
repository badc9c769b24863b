"""What the outside says of a call in doubt is looked up once by itself, and when asked; a person still decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, NotAllowed
from agentops.core.tools import ToolContext, Verification
from agentops.tools import tool
from agentops.tools.registry import registry
from runs import verifying
from runs.actions import look_up, resolve_in_doubt
from runs.models import Event, Run, ToolCall
from tests.api import factories as rows

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked() -> Iterator[list[tuple[dict[str, Any], ToolContext]]]:
    """What the tool `book` was asked to look up."""
    seen: list[tuple[dict[str, Any], ToolContext]] = []

    def look(arguments: dict[str, Any], context: ToolContext) -> Verification:
        seen.append((arguments, context))
        return Verification(f"Seat {arguments['seat']} is taken.", happened=True)

    @tool(tier="high", effect="Book {seat}", verify=look)
    def book(seat: str) -> str:
        """Book a seat."""
        return seat

    yield seen
    registry._tools.pop(book.name)


def doubtful(name: str = "book", **fields: Any) -> ToolCall:
    run = rows.run(rows.agent(make.team()), status="waiting", waiting_on="in_doubt")
    known = {"arguments": {"seat": "3A"}, "status": "in_doubt", "started_at": timezone.now()}
    return rows.call(rows.step(run, 4), 2, tool=name, **{**known, **fields})


Asked = list[tuple[dict[str, Any], ToolContext]]


def test_a_new_doubt_is_looked_up_once_under_the_calls_own_key(asked: Asked) -> None:
    call = doubtful()
    assert verifying.verify_due() == 1
    assert verifying.verify_due() == 0
    [(arguments, context)] = asked
    assert arguments == {"seat": "3A"}
    assert context.call_id == f"{call.run_id}:4.2"
    call.refresh_from_db()
    assert call.verified is not None
    assert (call.verified["said"], call.verified["happened"]) == ("Seat 3A is taken.", True)
    assert (call.status, call.run.status) == ("in_doubt", "waiting"), "a person says what counts"
    assert Event.objects.get(run=call.run).data["call"] == call.pk


def test_what_is_not_in_doubt_or_cannot_be_looked_up_is_left_alone(asked: Asked) -> None:
    doubtful(status="succeeded")
    doubtful(name="refund_order")
    doubtful(name="gone")
    assert verifying.verify_due() == 0 and asked == []


def test_somebody_who_asks_gets_it_looked_up_again(asked: Asked) -> None:
    call = doubtful()
    verifying.verify_due()
    person = make.person(call.run.team, Role.OPERATOR)
    call = look_up(person, call.pk)
    assert verifying.waits_for_look(call)
    assert call.verified and call.verified["said"] == "Seat 3A is taken.", "what is known stays meanwhile"
    with pytest.raises(Conflict, match="being looked up"):
        look_up(person, call.pk)
    assert verifying.verify_due() == 1 and len(asked) == 2
    call.refresh_from_db()
    assert not verifying.waits_for_look(call)


def test_a_look_whose_process_died_is_begun_anew(asked: Asked) -> None:
    old = (timezone.now() - verifying.GIVEN_UP_AFTER - timedelta(seconds=1)).isoformat()
    doubtful(verified={"looking_since": old})
    doubtful(verified={"looking_since": timezone.now().isoformat()})
    assert verifying.verify_due() == 1


def test_of_two_sweeps_one_looks(asked: Asked) -> None:
    doubtful()
    assert sorted(make.at_once(verifying.verify_due, verifying.verify_due)) == [0, 1]
    assert len(asked) == 1


def test_a_person_who_was_faster_keeps_the_last_word(asked: Asked) -> None:
    call = doubtful()
    [due] = verifying._due()
    assert verifying._claim(due)
    resolve_in_doubt(make.admin(call.run.team), call.pk, "did_not_happen")
    verifying._note(due, Verification("Late.", happened=True))
    call.refresh_from_db()
    assert call.status == "failed" and "said" not in (call.verified or {})


def test_asking_needs_a_call_in_doubt_that_can_be_looked_up(asked: Asked) -> None:
    settled, mute = doubtful(status="succeeded"), doubtful(name="refund_order")
    with pytest.raises(Conflict, match="not in doubt"):
        look_up(make.admin(settled.run.team), settled.pk)
    with pytest.raises(Conflict, match="cannot look"):
        look_up(make.admin(mute.run.team), mute.pk)
    with pytest.raises(ToolCall.DoesNotExist):
        look_up(make.admin(make.team()), settled.pk)
    with pytest.raises(NotAllowed):
        look_up(make.person(settled.run.team, Role.VIEWER), settled.pk)


@pytest.mark.parametrize("sent", [True, False])
def test_a_mail_in_doubt_is_looked_up_in_the_outbox(settings: Any, sent: bool) -> None:
    settings.EMAIL_BACKEND = "runs.outbox.OutboxBackend"
    from runs import assembly

    assembly._tool_settings.cache_clear()
    call = doubtful("send_email", arguments={"to": "ada@example.com", "subject": "Hi", "body": "Dear Ada"})
    if sent:
        headers = {"Message-ID": f"<{call.run_id}:4.2@agentops>", "X-AgentOps-Run": str(call.run_id)}
        EmailMessage("Hi", "Dear Ada", to=["ada@example.com"], headers=headers).send()
    verifying.verify_due()
    call.refresh_from_db()
    assert call.verified and call.verified["happened"] is sent
    assembly._tool_settings.cache_clear()
    assert Run.objects.get(pk=call.run_id).status == "waiting"
