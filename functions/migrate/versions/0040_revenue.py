"""What recurs of invoices, and sums of revenue over all organizations."""

from pathlib import Path

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
