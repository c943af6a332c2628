"""Organizations' settings in PostgreSQL."""

from uuid import UUID

from integration.management.organization_settings.models import OrganizationSettings
from llmo_data.postgres import Database, one

FIND = """
    SELECT org_id, time_zone, version, updated_by, updated_at
    FROM integration.organization_settings
    WHERE org_id = %(org_id)s
    """
PUT = """
    INSERT INTO integration.organization_settings (org_id, time_zone, version, updated_by, updated_at)
    VALUES (%(org_id)s, %(time_zone)s, %(version)s, %(updated_by)s, %(updated_at)s)
    ON CONFLICT (org_id) DO UPDATE
        SET time_zone = excluded.time_zone, version = excluded.version, updated_by = excluded.updated_by,
            updated_at = excluded.updated_at
    """


class PostgresSettings:
    """Organizations' settings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> OrganizationSettings | None:
        """An organization's; None before anybody set something."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND, org_id=org_id)
        return OrganizationSettings(**row) if row is not None else None

    async def put(self, settings: OrganizationSettings) -> None:
        """Keep an organization's settings, in place of those that it had."""
        async with self._database.transaction(settings.org_id) as connection:
            await connection.execute(PUT.encode(), settings.model_dump())
