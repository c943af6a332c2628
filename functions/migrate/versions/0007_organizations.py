"""People in no organization, organizations that are closed, and roles of their own."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
contracts = "roles that an organization named itself are no longer refused; a foreign key keeps the others out"


def upgrade() -> None:
    """Run the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
