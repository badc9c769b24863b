"""Who published a version of an agent, by name: it stays when the person goes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_hourly_figures")]

    operations = [
        migrations.AddField(
            "agentversion",
            "created_by_name",
            models.CharField(blank=True, help_text="Kept when the person is deleted.", max_length=150),
        ),
    ]
