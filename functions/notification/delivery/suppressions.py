"""Where nothing is sent to any more, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Protocol
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
        hashes = {each: address_hash(each, self._pepper) for each in addresses}  # several may have the same
        async with self._database.transaction() as connection:
            rows = await every(connection, AMONG, channel=channel, hashes=[*hashes.values()], critical=critical)
        found = {row["address_hash"] for row in rows}
        return {each for each, hashed in hashes.items() if hashed in found}

    async def add(
        self, channel: Channel, address: str, *, message_id: UUID, now: datetime, reason: str = "gone"
    ) -> None:
        """Send nothing to an address that is none any more, or whose owner complained."""
        row = {"channel": channel, "address_hash": address_hash(address, self._pepper), "reason": reason}
        async with self._database.transaction() as connection:
            await connection.execute(ADD, row | {"message_id": message_id, "now": now})


class Devices(Protocol):
    """Where devices are kept."""

    async def remove_device(self, address: str) -> None:
        """Remove the device with this address."""
        ...


class RemovedDevices:
    """Devices need no list of those that are gone: they are removed, and may come back under the same address."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    async def among(self, _channel: Channel, _addresses: Sequence[str], *, critical: bool) -> Collection[str]:  # noqa: ARG002 - of the port
        """None: those that are gone are not planned for."""
        return ()

    async def add(self, _channel: Channel, address: str, *, message_id: UUID, now: datetime) -> None:  # noqa: ARG002 - of the port
        """Push nothing to a device any more."""
        await self._devices.remove_device(address)
