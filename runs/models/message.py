"""What people say to a run while it lives; the next step that opens reads it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .run import Run
from .step import Step


class RunMessage(models.Model):
    run = models.ForeignKey(Run, models.CASCADE, related_name="messages")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    sent_at = models.DateTimeField(auto_now_add=True)
    step = models.ForeignKey(Step, models.CASCADE, null=True, related_name="messages")
    """The step whose input carries it; null while it is unread."""

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run"], condition=Q(step=None), name="unread_messages")]

    def __str__(self) -> str:
        return self.text[:60]
