"""The schema of the integration service: providers, models, routes, and what it publishes about organizations."""

from pathlib import Path

from alembic import op

from migrate.tables import idempotency_keys, outbox

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run the SQL beside this file, and make the tables that every service has."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    op.execute(outbox("integration", role="llmo_integration"))
    op.execute(idempotency_keys("integration", role="llmo_integration"))
