"""What a trigger came to, newest first."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("runs", "0011_fair_order")]

    operations = [
        AddIndexConcurrently(
            model_name="firing", index=models.Index(fields=["trigger", "-at", "-id"], name="firings_by_time")
        ),
    ]
