"""Search of decided requests."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_take_back")]

    operations = []
