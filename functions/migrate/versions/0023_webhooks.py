"""Webhooks, what is delivered to them, and the inbox of the integration service."""

from pathlib import Path

from alembic import op

from migrate.tables import inbox

revision = "0023"
down_revision = "0025"


def upgrade() -> None:
    """Run the SQL beside this file, and make the table that every service with consumers has."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    op.execute(inbox("integration", role="llmo_integration"))
