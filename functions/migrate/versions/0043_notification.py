"""The schema of the notification service: its role, notifications, messages and what became of them."""

from pathlib import Path

from alembic import op

from migrate.tables import idempotency_keys, inbox, outbox

revision = "0043"
down_revision = "0042"

_OF_NOBODY = """
ALTER TABLE notification.{table} ALTER COLUMN org_id DROP NOT NULL;
DROP POLICY tenant ON notification.{table};
CREATE POLICY tenant ON notification.{table}
    USING (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id IS NOT DISTINCT FROM nullif(current_setting('app.org_id', true), '')::uuid);
"""


def upgrade() -> None:
    """Run the SQL beside this file, and make the tables that every service has; events may be of no organization."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    op.execute(outbox("notification", role="llmo_notification"))
    op.execute(inbox("notification", role="llmo_notification"))
    op.execute(idempotency_keys("notification", role="llmo_notification"))
    for table in ("outbox", "inbox"):
        op.execute(_OF_NOBODY.format(table=table))
