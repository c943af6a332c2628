"""Phones and devices in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from llmo_data.postgres import Database, every, insert, one
from notification.contacts.models import ADDRESS, Device, Phone, SentCode, address_digest
from notification.preferences.deciding import Reachable

PHONE: Final = """
    SELECT user_id, number, verified_at, pending_number, code_hash, code_expires_at, attempts, created_at
    FROM notification.phones WHERE user_id = %(user_id)s
    """
MAKE_PHONE: Final = """
    INSERT INTO notification.phones (user_id, created_at) VALUES (%(user_id)s, %(now)s) ON CONFLICT (user_id) DO NOTHING
    """
LOCK_PHONE: Final = PHONE + " FOR UPDATE"
CHANGE_PHONE: Final = """
    UPDATE notification.phones
    SET number = %(number)s, verified_at = %(verified_at)s, pending_number = %(pending_number)s,
        code_hash = %(code_hash)s, code_expires_at = %(code_expires_at)s, attempts = %(attempts)s
    WHERE user_id = %(user_id)s
    """
REMOVE_PHONE: Final = "DELETE FROM notification.phones WHERE user_id = %(user_id)s"
IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('notification.sent_codes ' || %(number_hash)s, 0))"
SENT_CODES: Final = """
    SELECT id, user_id, number_hash, sent_at, expires_at FROM notification.sent_codes
    WHERE (user_id = %(user_id)s OR number_hash = %(number_hash)s) AND sent_at > %(since)s
    ORDER BY sent_at DESC
    """
DEVICES: Final = """
    SELECT id, user_id, name, address, created_at FROM notification.devices
    WHERE user_id = %(user_id)s ORDER BY id DESC
    """
PUT_DEVICE: Final = """
    INSERT INTO notification.devices AS device (id, user_id, kind, name, address, address_hash, created_at)
    VALUES (%(id)s, %(user_id)s, %(kind)s, %(name)s, %(address)s, %(address_hash)s, %(created_at)s)
    ON CONFLICT (address_hash) DO UPDATE
        SET user_id = excluded.user_id, name = excluded.name, address = excluded.address
    RETURNING id, user_id, name, address, created_at
    """
LIMIT_DEVICES: Final = """
    DELETE FROM notification.devices
    WHERE id IN (
        SELECT id FROM notification.devices WHERE user_id = %(user_id)s AND id <> %(id)s
        ORDER BY id DESC OFFSET %(others)s
    )
    """
REMOVE_DEVICE: Final = """
    DELETE FROM notification.devices WHERE id = %(id)s AND user_id = %(user_id)s RETURNING id
    """
REMOVE_ADDRESS: Final = "DELETE FROM notification.devices WHERE address_hash = %(address_hash)s"
FORGET: Final = "DELETE FROM notification.devices WHERE user_id = %(user_id)s"
NUMBERS: Final = """
    SELECT user_id, number FROM notification.phones WHERE user_id = ANY(%(ids)s::uuid[]) AND number IS NOT NULL
    """
ADDRESSES: Final = """
    SELECT user_id, address FROM notification.devices WHERE user_id = ANY(%(ids)s::uuid[]) ORDER BY id DESC
    """


class PostgresPhones:
    """Phone numbers, and the codes that were sent to confirm them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: UUID) -> Phone | None:
        """Somebody's."""
        async with self._database.transaction() as connection:
            row = await one(connection, PHONE, user_id=user_id)
        return Phone(**row) if row is not None else None

    async def locked(self, user_id: UUID, *, now: datetime) -> Phone:
        """The same, or an empty one; nobody else changes it before the transaction under way ends."""
        async with self._database.transaction() as connection:
            await connection.execute(MAKE_PHONE, {"user_id": user_id, "now": now})
            row = await one(connection, LOCK_PHONE, user_id=user_id)
        return Phone(**row) if row is not None else Phone(user_id=user_id, created_at=now)

    async def change(self, phone: Phone) -> None:
        """Keep what has changed of it."""
        async with self._database.transaction() as connection:
            await connection.execute(CHANGE_PHONE, dict(phone))

    async def remove(self, user_id: UUID) -> None:
        """Keep none any more. Safe to repeat."""
        async with self._database.transaction() as connection:
            await connection.execute(REMOVE_PHONE, {"user_id": user_id})

    async def sent_codes(self, user_id: UUID, number_hash: str, *, since: datetime) -> Sequence[SentCode]:
        """Codes that somebody asked for, or that went to a number, the latest first.

        Nobody else adds one to that number before the transaction under way ends.
        """
        async with self._database.transaction() as connection:
            await connection.execute(IN_TURN, {"number_hash": number_hash})
            rows = await every(connection, SENT_CODES, user_id=user_id, number_hash=number_hash, since=since)
        return [SentCode(**row) for row in rows]

    async def add_sent_code(self, code: SentCode) -> None:
        """Keep that a code was sent."""
        async with self._database.transaction() as connection:
            await connection.execute(*insert("notification.sent_codes", dict(code)))


class PostgresDevices:
    """Devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_user(self, user_id: UUID) -> Sequence[Device]:
        """Somebody's, the newest first."""
        async with self._database.transaction() as connection:
            return [_device(row) for row in await every(connection, DEVICES, user_id=user_id)]

    async def put(self, device: Device, *, most: int) -> Device:
        """Keep one, or what has changed of it, as it is then; its owner's oldest go where there are more than `most`.

        One that was another person's is theirs no more: it is known by its endpoint or its token.
        """
        row = {
            **device.model_dump(include={"id", "user_id", "name", "created_at"}),
            "kind": device.address.kind,
            "address": device.address.model_dump_json(),
            "address_hash": address_digest(device.address),
        }
        async with self._database.transaction() as connection:
            kept = await one(connection, PUT_DEVICE, **row)
            put = _device(kept) if kept is not None else device
            await connection.execute(LIMIT_DEVICES, {"user_id": put.user_id, "id": put.id, "others": most - 1})
        return put

    async def remove(self, user_id: UUID, device_id: UUID) -> bool:
        """Remove one; whether there was one."""
        async with self._database.transaction() as connection:
            return await one(connection, REMOVE_DEVICE, user_id=user_id, id=device_id) is not None

    async def forget_user(self, user_id: UUID) -> None:
        """Remove those of somebody whose account is gone."""
        async with self._database.transaction() as connection:
            await connection.execute(FORGET, {"user_id": user_id})


class PostgresContacts:
    """What the planner of messages, and the sender of push notifications, ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reachable(self, user_ids: Collection[UUID]) -> Mapping[UUID, Reachable]:
        """The confirmed numbers and the devices of those who have some; in a transaction of no organization."""
        async with self._database.transaction() as connection:
            numbers = await every(connection, NUMBERS, ids=[*user_ids])
            addresses = await every(connection, ADDRESSES, ids=[*user_ids])
        phones = {row["user_id"]: row["number"] for row in numbers}
        devices: defaultdict[UUID, tuple[str, ...]] = defaultdict(tuple)
        for row in addresses:
            devices[row["user_id"]] += (row["address"],)
        return {
            user_id: Reachable(phone=phones.get(user_id), devices=devices.get(user_id, ()))
            for user_id in phones.keys() | devices.keys()
        }

    async def remove_device(self, address: str) -> None:
        """Remove the device with this address, as messages have it: its provider says that it is gone."""
        digest = address_digest(ADDRESS.validate_json(address))
        async with self._database.transaction() as connection:
            await connection.execute(REMOVE_ADDRESS, {"address_hash": digest})


def _device(row: Mapping[str, Any]) -> Device:
    return Device(**{**row, "address": ADDRESS.validate_json(row["address"])})
