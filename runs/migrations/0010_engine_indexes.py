"""What children, forks and undoing runs are found by, and what fairness takes runs by. Built beside the use of the tables."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("runs", "0009_whole_engine")]

    operations = [
        AddIndexConcurrently(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("undo_run__isnull", False)), fields=["undo_run"], name="calls_being_undone"
            ),
        ),
        AddIndexConcurrently(
            model_name="toolcall",
            index=models.Index(condition=models.Q(("undoes__isnull", False)), fields=["undoes"], name="undoing_calls"),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent", "created_at"], name="children"
            ),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("plan_step__isnull", False)), fields=["plan_step"], name="runs_of_plan_steps"
            ),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("forked_from__isnull", False)), fields=["forked_from"], name="forks"
            ),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(condition=models.Q(("undoes__isnull", False)), fields=["undoes"], name="undoing"),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False), ("parent__isnull", False), ("reported", False)),
                fields=["parent"],
                name="unreported_children",
            ),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("wake_at__isnull", False)),
                fields=["team", "-priority", "wake_at"],
                name="runs_to_take",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY one_child_a_call ON runs_run (parent_call_id) WHERE parent_call_id IS NOT NULL",
                    "DROP INDEX CONCURRENTLY one_child_a_call",
                )
            ],
            [
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("parent_call__isnull", False)),
                        fields=("parent_call",),
                        name="one_child_a_call",
                    ),
                ),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY one_living_run_a_plan_step ON runs_run (plan_step_id) WHERE plan_step_id IS NOT NULL AND NOT (status IN ('cancelled', 'failed', 'succeeded'))",
                    "DROP INDEX CONCURRENTLY one_living_run_a_plan_step",
                )
            ],
            [
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(
                            ("plan_step__isnull", False),
                            models.Q(("status__in", ["cancelled", "failed", "succeeded"]), _negated=True),
                        ),
                        fields=("plan_step",),
                        name="one_living_run_a_plan_step",
                    ),
                ),
            ],
        ),
    ]
