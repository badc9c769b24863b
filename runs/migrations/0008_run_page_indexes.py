"""What a run's page asks: how its agent's last runs went, and what people did to this one."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0007_figures_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=Q(kind__in=["person.acted", "run.recovered"]), fields=["run", "seq"], name="events_of_people"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=Q(status="succeeded"), fields=["agent", "-ended_at"], name="succeeded_by_agent"
            ),
        ),
    ]
