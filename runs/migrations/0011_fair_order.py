"""What the fairest due run is found by: teams and agents side by side, each by priority and time."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("runs", "0010_engine_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                models.F("team"),
                Coalesce("agent", models.Value(0, models.BigIntegerField())),
                models.F("priority"),
                models.F("wake_at"),
                condition=models.Q(("wake_at__isnull", False)),
                name="runs_in_fair_order",
            ),
        ),
        RemoveIndexConcurrently(model_name="run", name="runs_to_take"),
    ]
