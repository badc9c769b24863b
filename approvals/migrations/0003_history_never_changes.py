"""The database refuses to rewrite what was published or decided. Names of deleted people may still be unlinked."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION approvals_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is history: it never changes', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER policy_versions_never_change BEFORE UPDATE ON approvals_policyversion FOR EACH ROW
WHEN ((OLD.policy_id, OLD.number, OLD.rules, OLD.created_at)
      IS DISTINCT FROM (NEW.policy_id, NEW.number, NEW.rules, NEW.created_at))
EXECUTE FUNCTION approvals_refuse_rewrite('A policy version');

CREATE TRIGGER decisions_never_change BEFORE UPDATE ON approvals_decision FOR EACH ROW
WHEN ((OLD.request_id, OLD.revision, OLD.decision, OLD.by_name, OLD.via, OLD.reason, OLD.at)
      IS DISTINCT FROM (NEW.request_id, NEW.revision, NEW.decision, NEW.by_name, NEW.via, NEW.reason, NEW.at))
EXECUTE FUNCTION approvals_refuse_rewrite('A decision');

CREATE TRIGGER decided_once BEFORE UPDATE ON approvals_approvalrequest FOR EACH ROW
WHEN (OLD.status <> 'pending'
      AND (OLD.status, OLD.revision, OLD.decided_at, OLD.decided_by_name, OLD.outcome, OLD.arguments, OLD.effect)
          IS DISTINCT FROM
          (NEW.status, NEW.revision, NEW.decided_at, NEW.decided_by_name, NEW.outcome, NEW.arguments, NEW.effect))
EXECUTE FUNCTION approvals_refuse_rewrite('A decided request');
"""

ALLOW = """
DROP TRIGGER decided_once ON approvals_approvalrequest;
DROP TRIGGER decisions_never_change ON approvals_decision;
DROP TRIGGER policy_versions_never_change ON approvals_policyversion;
DROP FUNCTION approvals_refuse_rewrite();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_sweep_clock")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
