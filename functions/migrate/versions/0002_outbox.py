"""The role of the relay, and the outbox of the auth service."""

from alembic import op

from migrate.tables import outbox

revision = "0002"
down_revision = "0001"

_RELAY_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'llmo_relay') THEN
        CREATE ROLE llmo_relay LOGIN NOINHERIT;
    END IF;
END
$$;
"""


def upgrade() -> None:
    """Make the role, which belongs to the whole cluster and may be there already, and the table."""
    op.execute(_RELAY_ROLE)
    op.execute(outbox("auth", role="llmo_auth"))
