"""Figures by the hour count tasks completed apart from runs that ended. Hours from before have no outcomes: zero is right."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0012_firings_by_time")]

    operations = [
        migrations.AddField(
            model_name="hourlyruns",
            name=name,
            field=models.BigIntegerField(default=0, db_default=0),
        )
        for name in ("completed", "not_completed", "missed")
    ]
