"""Runs below runs, forks, orders, plans, triggers, context and recoveries. New columns have defaults: nothing is locked for long."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_idempotency'),
        ('runs', '0008_run_page_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Firing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('result', models.CharField(choices=[('started', 'Started a run'), ('skipped', 'Left out'), ('refused', 'Refused')], max_length=8)),
                ('reason', models.TextField(blank=True, default='')),
                ('test', models.BooleanField(default=False)),
                ('by_name', models.CharField(blank=True, default='', max_length=150)),
                ('due_at', models.DateTimeField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('in_review', 'Waiting for a person'), ('approved', 'Under way'), ('done', 'Done'), ('superseded', 'Replaced'), ('rejected', 'Rejected')], max_length=10)),
                ('edited_by_name', models.CharField(blank=True, default='', max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['run', 'number'],
            },
        ),
        migrations.CreateModel(
            name='PlanStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('key', models.CharField(max_length=40)),
                ('title', models.CharField(max_length=200)),
                ('instruction', models.TextField()),
                ('tools', models.JSONField(default=list)),
                ('after', models.JSONField(default=list, help_text='Keys of the steps whose results it needs.')),
                ('max_tool_calls', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('pending', 'Not begun'), ('running', 'Under way'), ('done', 'Done'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='pending', max_length=8)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('result', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['plan', 'position'],
            },
        ),
        migrations.CreateModel(
            name='Trigger',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('schedule', 'Schedule'), ('webhook', 'Webhook')], max_length=8)),
                ('name', models.CharField(max_length=120)),
                ('goal', models.TextField()),
                ('inputs', models.JSONField(default=dict)),
                ('limits', models.JSONField(default=dict)),
                ('priority', models.SmallIntegerField(choices=[(-1, 'Low'), (0, 'Normal'), (1, 'High')], default=0)),
                ('active', models.BooleanField(default=True)),
                ('overlap', models.BooleanField(default=False, help_text='Start a run while the last one has not ended.')),
                ('owner_name', models.CharField(blank=True, default='', max_length=150)),
                ('cron', models.CharField(blank=True, default='', max_length=120)),
                ('timezone', models.CharField(blank=True, default='', max_length=64)),
                ('missed', models.CharField(choices=[('skip', 'Leave it out'), ('once', 'Start one run for all that were missed'), ('all', 'Start every run that was missed, up to 24')], default='once', max_length=4)),
                ('next_at', models.DateTimeField(null=True)),
                ('mapping', models.JSONField(default=dict, help_text='Input name to where its value stands in the body.')),
                ('secret_number', models.PositiveIntegerField(default=1, help_text='Raised when the secret is replaced.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='agentversion',
            name='answer_schema',
            field=models.JSONField(help_text='JSON schema of its final answer.', null=True),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='context_tokens',
            field=models.PositiveBigIntegerField(help_text='What a request may hold; empty: what the model takes.', null=True),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='delegates_to',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='Names of the agents it may hand work to.'),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='max_children',
            field=models.PositiveIntegerField(db_default=20, default=20, help_text='Runs that a run may start, in all.'),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='max_depth',
            field=models.PositiveSmallIntegerField(db_default=2, default=2, help_text='Runs below runs below it.'),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='max_parallel_children',
            field=models.PositiveIntegerField(db_default=4, default=4, help_text='Of these at once.'),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='planning',
            field=models.CharField(choices=[('none', 'No plan: step by step'), ('plan', 'A plan first'), ('reviewed', 'A plan first, which a person approves')], db_default='none', default='none', max_length=8),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='success',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='What an answer must meet to count as completed.'),
        ),
        migrations.AddField(
            model_name='agentversion',
            name='summary_chain',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='Models that shorten and judge; empty: its own.'),
        ),
        migrations.AddField(
            model_name='run',
            name='answer_data',
            field=models.JSONField(help_text='The answer as the schema has it.', null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='answer_schema',
            field=models.JSONField(help_text="What its answer must be, in place of its agent's own.", null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='depth',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='fork_words',
            field=models.TextField(blank=True, db_default='', default='', help_text='Said at the fork.'),
        ),
        migrations.AddField(
            model_name='run',
            name='forked_from',
            field=models.ForeignKey(db_index=False, help_text='Whose steps before `forked_step` are its history too.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='forks', to='runs.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='forked_step',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='needs',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, help_text='The oldest worker protocol that can carry it.'),
        ),
        migrations.AddField(
            model_name='run',
            name='only_tools',
            field=models.JSONField(help_text="The part of its agent's tools that it may use; null: all.", null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='orders',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='Calls that somebody but the model chose, to be made next.'),
        ),
        migrations.AddField(
            model_name='run',
            name='outcome',
            field=models.CharField(blank=True, choices=[('completed', 'Completed'), ('not_completed', 'Not completed')], db_default='', default='', help_text='Whether the answer met the success criteria; empty where there are none.', max_length=14),
        ),
        migrations.AddField(
            model_name='run',
            name='outcome_detail',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='run',
            name='parent',
            field=models.ForeignKey(db_index=False, help_text="The run that waits for this one's result.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='runs.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='parent_call',
            field=models.ForeignKey(db_index=False, help_text='The call that delegated it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='child_set', to='runs.toolcall'),
        ),
        migrations.AddField(
            model_name='run',
            name='priority',
            field=models.SmallIntegerField(choices=[(-1, 'Low'), (0, 'Normal'), (1, 'High')], db_default=0, default=0, help_text='Within its team: the higher goes first.'),
        ),
        migrations.AddField(
            model_name='run',
            name='reported',
            field=models.BooleanField(db_default=False, default=False, help_text='Its parent was woken after it had ended.'),
        ),
        migrations.AddField(
            model_name='run',
            name='taken_over_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=150),
        ),
        migrations.AddField(
            model_name='run',
            name='undoes',
            field=models.ForeignKey(db_index=False, help_text='The run whose actions it takes back.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='undone_by', to='runs.run'),
        ),
        migrations.AddField(
            model_name='step',
            name='context',
            field=models.JSONField(help_text='Tokens of the request by part, and the budget for them.', null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='details',
            field=models.JSONField(help_text='What a compaction, a judgement or a plan came to.', null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='recovery',
            field=models.JSONField(help_text='The failure that this step answers: kind, time, of, detail.', null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='reminder',
            field=models.TextField(blank=True, db_default='', default='', help_text='Goal and state, told with the last message and not kept.'),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='ordered_by',
            field=models.CharField(blank=True, db_default='', default='', help_text="Chose it in the model's place.", max_length=150),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='undo_run',
            field=models.ForeignKey(db_index=False, help_text='The run that takes it back.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='undoing_set', to='runs.run'),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='undoes',
            field=models.ForeignKey(db_index=False, help_text='The call that it takes back.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='undone_by', to='runs.toolcall'),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='verified',
            field=models.JSONField(help_text='What the outside system said of a call in doubt, and when.', null=True),
        ),
        migrations.AlterField(
            model_name='step',
            name='kind',
            field=models.CharField(choices=[('turn', 'Turn'), ('aside', 'A person asked before deciding'), ('order', 'A call that the model did not choose'), ('plan', 'Plan'), ('compaction', 'The conversation was shortened'), ('judge', 'The answer was judged')], default='turn', max_length=10),
        ),
        migrations.AddField(
            model_name='firing',
            name='run',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='fired_by', to='runs.run'),
        ),
        migrations.AddField(
            model_name='plan',
            name='made_in',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.step'),
        ),
        migrations.AddField(
            model_name='plan',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='plans', to='runs.run'),
        ),
        migrations.AddField(
            model_name='planstep',
            name='plan',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='runs.plan'),
        ),
        migrations.AddField(
            model_name='run',
            name='plan_step',
            field=models.ForeignKey(db_index=False, help_text="The step of its parent's plan that it carries out.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='runs.planstep'),
        ),
        migrations.AddField(
            model_name='trigger',
            name='agent',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='triggers', to='runs.agent'),
        ),
        migrations.AddField(
            model_name='trigger',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='trigger',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='triggers', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='firing',
            name='trigger',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='firings', to='runs.trigger'),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.UniqueConstraint(fields=('run', 'number'), name='plan_number'),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['in_review', 'approved'])), fields=('run',), name='one_current_plan'),
        ),
        migrations.AddConstraint(
            model_name='planstep',
            constraint=models.UniqueConstraint(fields=('plan', 'key'), name='plan_step_key'),
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(condition=models.Q(('active', True), ('next_at__isnull', False)), fields=['next_at'], name='triggers_due'),
        ),
        migrations.AddConstraint(
            model_name='trigger',
            constraint=models.UniqueConstraint(fields=('team', 'name'), name='trigger_name_in_team'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(condition=models.Q(('run__isnull', False)), fields=['run'], name='firing_of_run'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.UniqueConstraint(fields=('trigger', 'key'), name='fires_once'),
        ),
    ]
