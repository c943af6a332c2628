"""Spend caps, alerts of billing, and organizations that pay in advance."""

from pathlib import Path

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
