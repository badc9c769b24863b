"""Mail that agents sent through the outbox backend, kept for people to read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .run import Run


class OutboxMessage(models.Model):
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="mail")
    message_id = models.CharField(
        max_length=200, unique=True, help_text=_("Derived from the tool call: one mail a call.")
    )
    sender = models.CharField(max_length=320)
    recipient = models.CharField(max_length=320)
    subject = models.CharField(max_length=998)
    body = models.TextField()
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-sent_at", "-id"]

    def __str__(self) -> str:
        return f"{self.subject} → {self.recipient}"
