"""A decided request never changes, but for an approval that is taken back before it takes effect."""

from django.db import migrations

DECIDED = """
DROP TRIGGER decided_once ON approvals_approvalrequest;
CREATE TRIGGER decided_once BEFORE UPDATE ON approvals_approvalrequest FOR EACH ROW
WHEN (OLD.status <> 'pending'
      {unless}
      AND (OLD.status, OLD.revision, OLD.decided_at, OLD.decided_by_name, OLD.outcome, OLD.arguments, OLD.effect)
          IS DISTINCT FROM
          (NEW.status, NEW.revision, NEW.decided_at, NEW.decided_by_name, NEW.outcome, NEW.arguments, NEW.effect))
EXECUTE FUNCTION approvals_refuse_rewrite('A decided request');
"""
TAKEN_BACK = "AND NOT (OLD.status = 'approved' AND NEW.status = 'pending' AND COALESCE(OLD.takes_effect_at > now(), false))"


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_answers_and_second_thoughts")]

    operations = [
        migrations.RunSQL(
            DECIDED.format(unless=TAKEN_BACK), DECIDED.format(unless="")
        )
    ]
