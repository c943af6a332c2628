"""The audit log: who did what to what from where."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
