"""What contacts need of the world around them. Stores raise DatabaseUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.contacts.models import Device, Phone, SentCode
from notification.preferences.deciding import Reachable


class CodeSender(Protocol):
    """What sends codes to phones."""

    async def send_code(self, *, user_id: UUID, number: str, code: str, expires_at: datetime) -> None:
        """Have a notification of the kind `phone_code` sent to a number, once the transaction under way is committed.

        The transaction is of no organization.
        """
        ...


class Phones(Protocol):
    """Where phone numbers are kept."""

    async def find(self, user_id: UUID) -> Phone | None:
        """Somebody's."""
        ...

    async def locked(self, user_id: UUID, *, now: datetime) -> Phone:
        """The same, or an empty one; nobody else changes it before the transaction under way ends."""
        ...

    async def change(self, phone: Phone) -> None:
        """Keep what has changed of it."""
        ...

    async def remove(self, user_id: UUID) -> None:
        """Keep none any more. Safe to repeat."""
        ...

    async def sent_codes(self, user_id: UUID, number_hash: str, *, since: datetime) -> Sequence[SentCode]:
        """Codes that somebody asked for, or that went to a number, the latest first.

        Nobody else adds one to that number before the transaction under way ends.
        """
        ...

    async def add_sent_code(self, code: SentCode) -> None:
        """Keep that a code was sent."""
        ...


class Devices(Protocol):
    """Where devices are kept."""

    async def of_user(self, user_id: UUID) -> Sequence[Device]:
        """Somebody's, the newest first."""
        ...

    async def put(self, device: Device, *, most: int) -> Device:
        """Keep one, or what has changed of it, as it is then; its owner's oldest go where there are more than `most`.

        One that was another person's is theirs no more: it is known by its endpoint or its token.
        """
        ...

    async def remove(self, user_id: UUID, device_id: UUID) -> bool:
        """Remove one; whether there was one."""
        ...


class Contacts(Protocol):
    """What the planner of messages, and the sender of push notifications, ask."""

    async def reachable(self, user_ids: Collection[UUID]) -> Mapping[UUID, Reachable]:
        """The confirmed numbers and the devices of those who have some; in a transaction of no organization."""
        ...

    async def remove_device(self, address: str) -> None:
        """Remove the device with this address, as messages have it: its provider says that it is gone."""
        ...
