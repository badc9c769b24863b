"""What the figures of an hour and a tool's last failures are found by. Built while the tables stay in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("runs", "0006_version_authors")]

    operations = [
        AddIndexConcurrently(
            "run",
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="runs_by_end"),
        ),
        AddIndexConcurrently(
            "toolcall",
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="calls_by_end"),
        ),
        AddIndexConcurrently(
            "toolcall",
            models.Index(fields=["run", "tool"], condition=Q(status__in=["failed", "invalid"]), name="failed_calls"),
        ),
        AddIndexConcurrently(
            "toolcall",
            models.Index(fields=["tool", "-id"], condition=Q(status__in=["failed", "invalid"]), name="tool_failures"),
        ),
    ]
