"""What is counted before more is deferred."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0021"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
