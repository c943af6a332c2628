"""Files, batches and what is known of their lines while they are worked on."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0022"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
