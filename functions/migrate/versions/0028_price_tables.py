"""Editions of the price tables, and events of the integration service that concern no one organization."""

from pathlib import Path

from alembic import op

revision = "0028"
down_revision = "0023"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
