"""A Django mail backend that keeps mail in the outbox for people to read: one a tool call, however often it runs."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from .models import OutboxMessage, Run

BACKEND = "runs.outbox.OutboxBackend"


class OutboxBackend(BaseEmailBackend):
    """The default of a fresh installation. Set EMAIL_BACKEND to a real one to send for real."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(_keep(message) for message in email_messages)


def sent_at(*, message_id: str) -> str | None:
    """When mail of this id came here, by UTC; None: none did."""
    try:
        first = OutboxMessage.objects.filter(message_id=f"{message_id}#0").values_list("sent_at", flat=True).first()
    finally:
        connection.close()
    return f"{first:%Y-%m-%d %H:%M:%S} UTC" if first else None


def _keep(message: EmailMessage) -> int:
    run_id = message.extra_headers.get("X-AgentOps-Run", "")
    run = Run.objects.filter(pk=run_id).first() if run_id else None
    made = 0
    for index, recipient in enumerate(message.recipients()):
        base = message.extra_headers.get("Message-ID") or message.message()["Message-ID"]
        _row, created = OutboxMessage.objects.get_or_create(
            message_id=f"{base}#{index}"[:200],
            defaults={
                "run": run,
                "sender": message.from_email,
                "recipient": recipient,
                "subject": message.subject[:998],
                "body": message.body,
            },
        )
        made += created
    return made and 1
