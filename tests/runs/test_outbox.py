"""Mail of agents is kept once a tool call, however often it is sent."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage

from runs import assembly
from runs.models import OutboxMessage

from . import factories as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]


@pytest.fixture
def outbox(settings: pytest.FixtureRequest) -> None:
    """pytest-django puts its own backend in place of the product's."""
    settings.EMAIL_BACKEND = "runs.outbox.OutboxBackend"  # type: ignore[attr-defined]


def test_one_mail_a_call_however_often_it_is_sent() -> None:
    run = make.run()
    send = assembly._mailer(str(run.pk))
    for message_id in ("<a@x>", "<a@x>", "<b@x>"):
        send(to="ada@example.com", subject="Hello", body="Text", message_id=message_id)
    assert list(run.mail.values_list("recipient", "subject", "body")) == [("ada@example.com", "Hello", "Text")] * 2


def test_eight_workers_sending_one_mail_keep_one() -> None:
    run = make.run()
    send = assembly._mailer(str(run.pk))
    mail = {"to": "ada@example.com", "subject": "Hello", "body": "Text", "message_id": "<a@x>"}
    assert make.at_once(*[lambda: send(**mail)] * 8) == [None] * 8
    assert OutboxMessage.objects.count() == 1


def test_each_recipient_has_a_copy() -> None:
    EmailMessage("Hello", "Text", to=["ada@example.com"], cc=["bob@example.com"]).send()
    assert set(OutboxMessage.objects.values_list("recipient", flat=True)) == {"ada@example.com", "bob@example.com"}
