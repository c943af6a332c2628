"""Suppressions can be listed and lifted."""

from pathlib import Path

from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
