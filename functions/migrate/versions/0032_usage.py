"""What was used: events by months, what meters counted of them, and the inbox of billing's consumers."""

from pathlib import Path

from alembic import op

from migrate.tables import inbox

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Run the SQL beside this file, and make the inbox."""
    op.execute(inbox("billing", role="llmo_billing"))
    op.execute(Path(__file__).with_suffix(".sql").read_text())
