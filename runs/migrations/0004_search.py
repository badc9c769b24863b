"""Full-text search of runs, and saved views."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_steering")]

    operations = []
