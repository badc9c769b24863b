"""Figures by the hour, so that pages need not add up millions of rows, and budgets for one agent or one person.

Triggers note the hours whose rows change after they were over: a run that goes on after its end, a call whose outcome
is learned late, a model call billed long after it began. On the way of a step they cost a comparison.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

MARK = """
CREATE FUNCTION runs_mark_stale_hour() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_ARGV[0] = 'started' THEN
        INSERT INTO runs_stalehour (hour) VALUES (date_trunc('hour', NEW.started_at));
    ELSE
        INSERT INTO runs_stalehour (hour) VALUES (date_trunc('hour', OLD.ended_at));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ended_runs_that_change AFTER UPDATE ON runs_run FOR EACH ROW
WHEN (OLD.ended_at IS NOT NULL AND (OLD.ended_at, OLD.status, OLD.cost_usd, OLD.steps, OLD.active_ms)
      IS DISTINCT FROM (NEW.ended_at, NEW.status, NEW.cost_usd, NEW.steps, NEW.active_ms))
EXECUTE FUNCTION runs_mark_stale_hour('ended');

CREATE TRIGGER ended_calls_that_change AFTER UPDATE ON runs_toolcall FOR EACH ROW
WHEN (OLD.ended_at IS NOT NULL AND (OLD.ended_at, OLD.status, OLD.duration_ms)
      IS DISTINCT FROM (NEW.ended_at, NEW.status, NEW.duration_ms))
EXECUTE FUNCTION runs_mark_stale_hour('ended');

CREATE TRIGGER late_bills AFTER INSERT ON runs_modelcall FOR EACH ROW
WHEN (NEW.started_at < now() - interval '10 minutes')
EXECUTE FUNCTION runs_mark_stale_hour('started');

CREATE TRIGGER changed_bills AFTER UPDATE ON runs_modelcall FOR EACH ROW
EXECUTE FUNCTION runs_mark_stale_hour('started');

CREATE FUNCTION runs_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is history: it never changes', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER budget_changes_never_change BEFORE UPDATE ON runs_budgetchange FOR EACH ROW
WHEN ((OLD.scope, OLD.period, OLD.before_usd, OLD.after_usd, OLD.by_name, OLD.at)
      IS DISTINCT FROM (NEW.scope, NEW.period, NEW.before_usd, NEW.after_usd, NEW.by_name, NEW.at))
EXECUTE FUNCTION runs_refuse_rewrite('A change of a budget');
"""

UNMARK = """
DROP TRIGGER budget_changes_never_change ON runs_budgetchange;
DROP FUNCTION runs_refuse_rewrite();
DROP TRIGGER changed_bills ON runs_modelcall;
DROP TRIGGER late_bills ON runs_modelcall;
DROP TRIGGER ended_calls_that_change ON runs_toolcall;
DROP TRIGGER ended_runs_that_change ON runs_run;
DROP FUNCTION runs_mark_stale_hour();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('runs', '0004_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BudgetChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('everything', models.BooleanField(help_text='Of the budget for everything, which all may see.')),
                ('scope', models.CharField(max_length=300)),
                ('period', models.CharField(choices=[('day', 'a day'), ('month', 'a month')], max_length=5)),
                ('before_usd', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('after_usd', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('by_name', models.CharField(max_length=150)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DailySpend',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('agent', models.CharField(max_length=80)),
                ('model', models.CharField(max_length=120)),
                ('started_by', models.CharField(max_length=150)),
                ('price_source', models.CharField(max_length=120)),
                ('calls', models.BigIntegerField(default=0)),
                ('failed_attempts', models.BigIntegerField(default=0)),
                ('input_tokens', models.BigIntegerField(default=0)),
                ('output_tokens', models.BigIntegerField(default=0)),
                ('cache_read_tokens', models.BigIntegerField(default=0)),
                ('cache_write_tokens', models.BigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('estimated_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('saved_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('day', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='FiguresClock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('covered_until', models.DateTimeField(null=True)),
                ('took_ms', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='HourlyDecisions',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('decided', models.BigIntegerField(default=0)),
                ('rule_errors', models.BigIntegerField(default=0)),
                ('waited_ms', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='HourlyRuns',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('agent', models.CharField(max_length=80)),
                ('started', models.BigIntegerField(default=0)),
                ('succeeded', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('cancelled', models.BigIntegerField(default=0)),
                ('steps', models.BigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('active_ms', models.BigIntegerField(default=0)),
                ('durations', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        ),
        migrations.CreateModel(
            name='HourlySpend',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('agent', models.CharField(max_length=80)),
                ('model', models.CharField(max_length=120)),
                ('started_by', models.CharField(max_length=150)),
                ('price_source', models.CharField(max_length=120)),
                ('calls', models.BigIntegerField(default=0)),
                ('failed_attempts', models.BigIntegerField(default=0)),
                ('input_tokens', models.BigIntegerField(default=0)),
                ('output_tokens', models.BigIntegerField(default=0)),
                ('cache_read_tokens', models.BigIntegerField(default=0)),
                ('cache_write_tokens', models.BigIntegerField(default=0)),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('estimated_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('saved_usd', models.DecimalField(decimal_places=8, default=0, max_digits=18)),
                ('hour', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='HourlyTools',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('tool', models.CharField(max_length=128)),
                ('calls', models.BigIntegerField(default=0)),
                ('succeeded', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('invalid', models.BigIntegerField(default=0)),
                ('rejected', models.BigIntegerField(default=0)),
                ('first_tries', models.BigIntegerField(default=0)),
                ('first_succeeded', models.BigIntegerField(default=0)),
                ('durations', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        ),
        migrations.CreateModel(
            name='StaleHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='budget',
            name='one_budget_a_scope',
        ),
        migrations.AddField(
            model_name='budget',
            name='agent',
            field=models.ForeignKey(blank=True, help_text='Empty: every agent.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to='runs.agent'),
        ),
        migrations.AddField(
            model_name='budget',
            name='user',
            field=models.ForeignKey(blank=True, help_text='Empty: whoever starts a run.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(fields=('team', 'agent', 'user', 'period'), name='one_budget_a_scope', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('agent', None), ('user', None)), models.Q(('agent', None), ('team__isnull', False)), models.Q(('team__isnull', False), ('user', None)), _connector='OR'), name='agent_or_person_in_a_team'),
        ),
        migrations.AddField(
            model_name='budgetchange',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='budgetchange',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='dailyspend',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='hourlydecisions',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='hourlyruns',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='hourlyspend',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='hourlytools',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AddIndex(
            model_name='dailyspend',
            index=models.Index(fields=['day', 'team'], name='spend_by_day'),
        ),
        migrations.AddIndex(
            model_name='hourlydecisions',
            index=models.Index(fields=['hour', 'team'], name='decisions_by_hour'),
        ),
        migrations.AddIndex(
            model_name='hourlyruns',
            index=models.Index(fields=['hour', 'team'], name='runs_by_hour'),
        ),
        migrations.AddIndex(
            model_name='hourlyspend',
            index=models.Index(fields=['hour', 'team'], name='spend_by_hour'),
        ),
        migrations.AddIndex(
            model_name='hourlytools',
            index=models.Index(fields=['hour', 'team'], name='tools_by_hour'),
        ),
        migrations.RunSQL(MARK, UNMARK),
    ]
