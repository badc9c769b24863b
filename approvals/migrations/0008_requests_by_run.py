"""The requests of one run, found without looking through all of them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields.json import KT


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("approvals", "0007_who_changed_the_policy")]

    operations = [
        AddIndexConcurrently(
            model_name="approvalrequest", index=models.Index(KT("context__run_id"), name="requests_by_run")
        ),
    ]
