"""The schema of the billing service: its role, meters, plans and their versions."""

from pathlib import Path

from alembic import op

from migrate.tables import idempotency_keys, outbox

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Run the SQL beside this file, and make the tables that every service has."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    op.execute(outbox("billing", role="llmo_billing"))
    op.execute(idempotency_keys("billing", role="llmo_billing"))
