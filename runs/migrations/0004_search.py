"""Full-text search of runs, kept by the database itself; saved views; the orders in which the list of runs is read."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

# A tsvector holds 1 MB at most: the first 20,000 characters of each are searched.
KEEP = r"""
CREATE FUNCTION runs_words(goal text, answer text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT to_tsvector('simple', translate(
        left(goal, 20000) || ' ' || left(answer, 20000), '-_@./:+~&=?<>#''\"', repeat(' ', 17)))
$$;

CREATE FUNCTION runs_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO runs_runwords (run_id, vector) VALUES (NEW.id, runs_words(NEW.goal, NEW.answer))
    ON CONFLICT (run_id) DO UPDATE SET vector = EXCLUDED.vector;
    RETURN NULL;
END $$;

CREATE TRIGGER new_words AFTER INSERT ON runs_run FOR EACH ROW EXECUTE FUNCTION runs_keep_words();

CREATE TRIGGER changed_words AFTER UPDATE ON runs_run FOR EACH ROW
WHEN (OLD.goal IS DISTINCT FROM NEW.goal OR OLD.answer IS DISTINCT FROM NEW.answer)
EXECUTE FUNCTION runs_keep_words();

INSERT INTO runs_runwords (run_id, vector) SELECT id, runs_words(goal, answer) FROM runs_run;
"""

FORGET = """
DROP TRIGGER changed_words ON runs_run;
DROP TRIGGER new_words ON runs_run;
DROP FUNCTION runs_keep_words();
DROP FUNCTION runs_words(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0003_steering"),
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RunWords",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("vector", django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["vector"], name="words_of_runs")],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "query",
                    models.CharField(
                        blank=True, help_text="The address's filters; it stays the truth.", max_length=1000
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        help_text="Whom it is shared with.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="view_name_once")],
            },
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["agent", "-created_at", "-id"], name="runs_by_agent"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["started_by_name", "-created_at", "-id"], name="runs_by_person"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["started_via", "-created_at", "-id"], name="runs_by_way"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=~Q(tainted_by=""), fields=["-created_at", "-id"], name="tainted_runs"),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(condition=Q(status="in_doubt"), fields=["started_at"], name="calls_in_doubt"),
        ),
    ]
