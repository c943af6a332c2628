"""Changes of an organization's configuration: one at a time, and then the gateways hear of it.

A gateway keeps an organization's configuration with the text at `{<org_ref>}:config_version` in Redis, and loads it
again when the text is another one. What it is not told it finds out within five minutes.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from integration.errors import UnknownOrganization
from llmo_core.observability import logger
from llmo_data.postgres import Database, one

# Names are looked for in several tables: whoever changes something waits for others who do.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('integration.configuration ' || %(org_id)s::text, 0))"
ORG_REF = "SELECT org_ref FROM auth.admission_organizations WHERE org_id = %(org_id)s AND closed_at IS NULL"


class Changes:
    """Changes in PostgreSQL, told by Redis.

    Args:
        database: The service's own.
        redis: The gateway's.
        new_version: Makes texts of which no two are the same.
    """

    def __init__(self, *, database: Database, redis: Redis, new_version: Callable[[], str]) -> None:
        self._database = database
        self._redis = redis
        self._new_version = new_version

    @asynccontextmanager
    async def change(self, org_id: UUID) -> AsyncIterator[None]:
        """One change: a commit that no other change of the organization overlaps. Raises UnknownOrganization."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(LOCK, {"org_id": org_id})
            row = await one(connection, ORG_REF, org_id=org_id)
            if row is None:
                raise UnknownOrganization
            org_ref = str(row["org_ref"])
            yield
            self._database.after_commit((self, org_id), lambda: self._tell(org_ref))

    async def _tell(self, org_ref: str) -> None:
        try:
            await self._redis.set(f"{{{org_ref}}}:config_version", self._new_version())
        except (RedisError, OSError):
            logger().exception("gateways learn of a changed configuration later")
