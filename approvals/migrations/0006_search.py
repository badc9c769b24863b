"""Search of decided requests by words, and the orders in which pages read them."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Left

WORDS = "to_tsvector('simple', translate(%(expressions)s, '-_@./:+~&=?<>#''\\\"', repeat(' ', 17)))"


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_take_back")]

    operations = [
        migrations.AddField(
            model_name="approvalrequest",
            name="words",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    Left("effect", 10000),
                    "tool",
                    "agent",
                    "decided_by_name",
                    Left("decision_reason", 2000),
                    arg_joiner=" || ' ' || ",
                    template=WORDS,
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                condition=~Q(status="pending"), fields=["-decided_at", "-id"], name="decided_by_time"
            ),
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                condition=~Q(status="pending"), fields=["team", "tool", "agent", "-decided_at"], name="precedents"
            ),
        ),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=django.contrib.postgres.indexes.GinIndex(fields=["words"], name="words_of_requests"),
        ),
    ]
