"""What organizations have set up, read anew for each dry run."""

from typing import Final
from uuid import UUID

from integration.gateway.configuration_rows import PostgresConfigurations
from integration.gateway.organization import Organization
from integration.gateway.organization_record import parse
from llmo_data.postgres import Database

_VERSION: Final = "dry run"


class PostgresOrganizations:
    """Reads configurations."""

    def __init__(self, database: Database) -> None:
        self._configurations = PostgresConfigurations(database)

    async def find(self, org_id: UUID) -> Organization:
        """What an organization has set up now. Raises DatabaseUnavailable."""
        return parse(_VERSION, await self._configurations.record_of(org_id))
