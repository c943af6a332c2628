"""The requests with an `Idempotency-Key` that the auth service remembers."""

from alembic import op

from migrate.tables import idempotency_keys

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.execute(idempotency_keys("auth", role="llmo_auth"))
