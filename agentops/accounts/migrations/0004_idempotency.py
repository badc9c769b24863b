"""Remember what each creating request made under its idempotency key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sessions")]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("principal", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=200)),
                ("request_hash", models.CharField(max_length=64)),
                ("made", models.CharField(blank=True, help_text="Primary key of what it made.", max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="request_keys_by_time")],
                "constraints": [models.UniqueConstraint(fields=("principal", "key"), name="request_key_once")],
            },
        ),
    ]
