"""Which organization is whose in Redis."""

from uuid import UUID

from llmo_data.postgres import Database, one

_ORG_REF = "SELECT org_ref FROM auth.admission_organizations WHERE org_id = %(org_id)s AND closed_at IS NULL"


class PostgresOrganizations:
    """The view that the auth service publishes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reference(self, org_id: UUID) -> str | None:
        """What an organization's keys in Redis begin with; None when it is closed. Raises DatabaseUnavailable."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, _ORG_REF, org_id=org_id)
        return None if row is None else str(row["org_ref"])
