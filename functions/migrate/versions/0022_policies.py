"""Purges of the cache; policies of API keys, of calls of the same form, and of cheaper models."""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0020"
contracts = "policies are unique by key as well: what stores them by organization and project alone is gone"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
