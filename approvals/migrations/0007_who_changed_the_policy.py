"""Who changed a draft last and how; who published a version, by name, and why. A version's note is history too."""

from django.db import migrations, models

VERSIONS = """
DROP TRIGGER policy_versions_never_change ON approvals_policyversion;
CREATE TRIGGER policy_versions_never_change BEFORE UPDATE ON approvals_policyversion FOR EACH ROW
WHEN ((OLD.policy_id, OLD.number, OLD.rules, OLD.created_at{more_old})
      IS DISTINCT FROM (NEW.policy_id, NEW.number, NEW.rules, NEW.created_at{more_new}))
EXECUTE FUNCTION approvals_refuse_rewrite('A policy version');
"""
WITH_NOTE = VERSIONS.format(more_old=", OLD.note, OLD.created_by_name", more_new=", NEW.note, NEW.created_by_name")
WITHOUT = VERSIONS.format(more_old="", more_new="")


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_search")]

    operations = [
        migrations.AddField("policy", "changed_by_name", models.CharField(blank=True, editable=False, max_length=150)),
        migrations.AddField("policy", "changed_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField(
            "policy",
            "last_change",
            models.TextField(blank=True, editable=False, help_text="Of the draft, in words."),
        ),
        migrations.AddField(
            "policyversion",
            "note",
            models.CharField(blank=True, help_text="What changed, for people.", max_length=200),
        ),
        migrations.AddField(
            "policyversion",
            "created_by_name",
            models.CharField(blank=True, help_text="Kept when the person is deleted.", max_length=150),
        ),
        migrations.RunSQL(WITH_NOTE, WITHOUT),
    ]
