"""Where nothing is sent to any more, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every
from notification.address_hashes import address_hash
from notification.kinds.models import Channel

AMONG: Final = """
    SELECT address_hash FROM notification.suppressions
    WHERE channel = %(channel)s AND address_hash = ANY(%(hashes)s)
        AND (NOT %(critical)s OR reason IN ('bounced', 'gone'))
    """
ADD: Final = """
    INSERT INTO notification.suppressions (channel, address_hash, reason, message_id, created_at)
    VALUES (%(channel)s, %(address_hash)s, %(reason)s, %(message_id)s, %(now)s)
    ON CONFLICT (channel, address_hash) DO UPDATE SET reason = excluded.reason
        WHERE notification.suppressions.reason NOT IN ('bounced', 'gone')
    """


class PostgresSuppressions:
    """Addresses of the whole deployment, of which hashes are kept.

    Args:
        pepper: The secret that they are hashed under.
    """

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper

    async def among(self, channel: Channel, addresses: Sequence[str], *, critical: bool) -> Collection[str]:
        """Those of the addresses. Critical messages still go to who complained: they are no advertising."""
        hashes = {address_hash(each, self._pepper): each for each in addresses}
        async with self._database.transaction() as connection:
            rows = await every(connection, AMONG, channel=channel, hashes=[*hashes], critical=critical)
        return {hashes[row["address_hash"]] for row in rows}

    async def add(
        self, channel: Channel, address: str, *, message_id: UUID, now: datetime, reason: str = "gone"
    ) -> None:
        """Send nothing to an address that is none any more, or whose owner complained."""
        row = {"channel": channel, "address_hash": address_hash(address, self._pepper), "reason": reason}
        async with self._database.transaction() as connection:
            await connection.execute(ADD, row | {"message_id": message_id, "now": now})
